"""Whatever goes wrong with a sheet, a model, a video or money: one sentence that says what, where, and what to do."""

import json
import signal
import sys

import pytest
from shells import until, wait

from penstock.tables import open_table
from penstock.testing import Behaviour, ModelServer
from penstock.testing.gemini.behaviour import GeminiBehaviour
from penstock.testing.gemini.server import GeminiServer
from penstock.testing.sheet.behaviour import SheetBehaviour
from penstock.testing.sheet.book import SheetBook
from penstock.testing.sheet.sample import sample_book
from penstock.testing.sheet.server import SheetServer
from planted import Town

GOOGLE = "https://docs.google.com/spreadsheets/d/1AbC/edit"
QUICK = ("--attempts", "1", "--patience", "1", "--retry-limit", "0", "--timeout", "5", "-q")


@pytest.fixture(scope="module")
def town():
    """A sheet, a model and a Gemini."""
    town = Town()
    books = {
        "rehearsal": sample_book(),
        "empty": SheetBook({"T": []}),
        "b": SheetBook({"It's 1 📚": [[], ["", "", "", "a"]]}),
    }
    town.sheet = town.open(SheetServer(books))
    town.model = town.open(ModelServer())
    town.gemini = town.open(GeminiServer())
    yield town
    town.close()


@pytest.fixture
def world(town, shell, machine, tmp_path_factory):
    """A folder and servers that behave well; the home of the user is empty."""
    town.sheet.behave(SheetBehaviour())
    town.sheet.reset()
    town.model.behave(Behaviour())
    town.gemini.behave(GeminiBehaviour())
    machine.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    machine.setenv("OPENAI_BASE_URL", town.model.url)
    machine.setenv("ANTHROPIC_BASE_URL", town.model.url)
    machine.setenv("GEMINI_BASE_URL", town.gemini.url)
    shell.table(3)
    return town


def refusal(ended, code=2):
    """Give the one sentence that a command ended with."""
    assert ended.code == code, ended
    assert ended.out == ""
    (line,) = ended.err.splitlines()
    assert line.startswith("penstock: error: "), line
    assert line.endswith((".", "?")), line
    return line.removeprefix("penstock: error: ")


def missing(words, said):
    return [word for word in words if word not in said]


# --- the sheet ---

SHEETS = {
    "read only": ({"readonly": ("rehearsal",)}, ["may be read but not written", "share it", "as an editor"]),
    "not shared": ({"unshared": ("rehearsal",)}, ["no access", "share it", "as an editor"]),
    "a protected range": ({"protected": ("Comments!D5:E6",)}, ["'Comments'!D5", "protected", "remove the protection"]),
    "the reads of the day": ({"reads_per_day": 0}, ["quota for the day is used up", "resume tomorrow"]),
    "the writes of the day": ({"writes_per_day": 0}, ["quota for the day is used up", "resume tomorrow"]),
    "credentials wanted": ({"require_token": True}, ["wants credentials", "GOOGLE_APPLICATION_CREDENTIALS"]),
}


@pytest.mark.parametrize(("behaviour", "words"), SHEETS.values(), ids=SHEETS)
def test_a_sheet_that_cannot_be_used_says_why(world, shell, behaviour, words):
    world.sheet.behave(SheetBehaviour(**behaviour))
    said = refusal(shell.call("score", world.sheet.sheet_url(), "-q"))
    assert missing([*words, world.sheet.sheet_url()], said) == [], said


@pytest.mark.parametrize("behaviour", [{"unshared": ("rehearsal",)}, {"readonly": ("rehearsal",)}])
def test_a_sheet_that_is_not_shared_names_the_account_to_share_it_with(world, shell, machine, tmp_path, behaviour):
    key = tmp_path / "key.json"
    email = world.sheet.service_account(key)
    machine.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    world.sheet.behave(SheetBehaviour(require_token=True, **behaviour))
    assert email in refusal(shell.call("score", world.sheet.sheet_url(), "-q"))


PLACES = {
    "no such sheet": ("nothing", (), ["no such sheet", "copy its address"]),
    "no such tab": ("rehearsal", ("--sheet", "Coments"), ["'Coments'", "did you mean 'Comments'"]),
    "no such number of a tab": ("rehearsal#gid=99", (), ["number 99", "'Comments'"]),
    "no categories": ("empty", (), ["D2 of the tab 'T' is empty", "names of the categories"]),
    "no texts": ("b", (), ["It's 1 📚", "Column C", "no text from row 5"]),
    "another column of texts": ("rehearsal", ("-t", "Z"), ["Column Z", "no text from row 5"]),
    "a column that is none": ("rehearsal", ("-t", "comment"), ["'comment'", "letter"]),
    "categories besides": ("rehearsal", ("-c", "categories.yaml"), ["holds its categories itself", "--categories"]),
    "rationales in its own tab": (
        "rehearsal",
        ("--rationales", "Comments", "--mode", "anchored", "-m", "openai/m"),
        ["'Comments' holds the scores", "another"],
    ),
    "rationales of no model": ("rehearsal", ("--rationales", "Why"), ["--mode anchored"]),
    "a text among the categories": ("rehearsal", ("-t", "E"), ["Column E", "holds the texts", "category"]),
    "rows in the wrong order": ("rehearsal", ("--first-row", "2"), ["row"]),
}


@pytest.mark.parametrize(("place", "given", "words"), PLACES.values(), ids=PLACES)
def test_a_sheet_that_is_laid_out_otherwise_says_where(world, shell, place, given, words):
    book, _, tab = place.partition("#")
    url = f"{world.sheet.sheet_url(book).partition('#')[0]}{tab and '#'}{tab}"
    said = refusal(shell.call("score", url, "-q", *given))
    assert missing(words, said) == [], said
    assert world.sheet.stats().cells == 0


ADDRESSES = {
    "another host": "https://example.org/spreadsheets/d/1AbC/edit",
    "a host that looks like it": "https://docs.google.com.example.org/spreadsheets/d/1AbC/edit",
    "no spreadsheet": "https://docs.google.com/document/d/1AbC/edit",
    "a published copy": "https://docs.google.com/spreadsheets/d/e/2PACX-1v/pubhtml",
    "cut off": "https://docs.google.com/spreadsheets/d/",
    "a broken port": "https://docs.google.com:none/spreadsheets/d/1AbC/edit",
    "nothing": "https://",
    "its beginning left out": "docs.google.com/spreadsheets/d/1AbC/edit",
    "spaces before it": "  https://example.org/spreadsheets/d/1AbC/edit",
}


@pytest.mark.parametrize("url", ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_of_no_sheet_is_refused_before_anybody_is_asked(world, shell, url):
    said = refusal(shell.call("score", url, "-q"))
    assert "https://docs.google.com/spreadsheets/d/..." in said, said


def test_a_password_in_an_address_is_refused_and_not_shown(world, shell):
    said = refusal(shell.call("score", "https://me:secret-word@docs.google.com/spreadsheets/d/1AbC/edit", "-q"))
    assert missing(["a name or a password", "leave it away"], said) == [], said
    assert "secret-word" not in said


# --- credentials ---


def test_without_credentials_it_is_said_where_they_belong(world, shell):
    said = refusal(shell.call("score", GOOGLE, "-q"))
    assert missing(["no credentials for Google", "GOOGLE_APPLICATION_CREDENTIALS", "gcloud auth"], said) == []


def test_without_the_extra_it_is_named(world, shell, machine):
    machine.setitem(sys.modules, "google.auth", None)
    said = refusal(shell.call("score", GOOGLE, "-q"))
    assert said == "Google Sheets needs an extra: pip install 'penstock[sheets]'."


ACCOUNTS = {
    "missing": (None, ["GOOGLE_APPLICATION_CREDENTIALS", "cannot be read"]),
    "no JSON": ("{", ["GOOGLE_APPLICATION_CREDENTIALS"]),
    "no account": ("[]", ["GOOGLE_APPLICATION_CREDENTIALS"]),
    "a broken key": (
        json.dumps({"type": "service_account", "private_key": "secret-word", "client_email": "a@b", "token_uri": "x"}),
        ["GOOGLE_APPLICATION_CREDENTIALS", "cannot be used"],
    ),
    "of a rehearsal": (
        json.dumps({"type": "service_account", "token_uri": "http://127.0.0.1:9/token"}),
        ["of a rehearsal", "name a real one"],
    ),
}


@pytest.mark.parametrize(("content", "words"), ACCOUNTS.values(), ids=ACCOUNTS)
def test_an_account_that_cannot_be_used_is_named_and_not_quoted(world, shell, machine, content, words):
    machine.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(shell.folder / "key.json"))
    if content is not None:
        shell.write("key.json", content)
    said = refusal(shell.call("score", GOOGLE, "-q"))
    assert missing(words, said) == [], said
    assert "secret-word" not in said


# --- models ---

TABLE = ("score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "-o", "scored.csv", *QUICK)
KEYED = {
    "openai": ("openai/m", {"model": Behaviour(api_key="right")}),
    "anthropic": ("anthropic/m", {"model": Behaviour(api_key="right")}),
    "gemini": ("gemini/m", {"gemini": GeminiBehaviour(api_key="right")}),
}


@pytest.mark.parametrize("key", ["wrong", ""])
@pytest.mark.parametrize(("model", "behaviour"), KEYED.values(), ids=KEYED)
def test_a_key_that_is_turned_down_is_one_sentence(world, shell, machine, model, behaviour, key):
    for name, how in behaviour.items():
        getattr(world, name).behave(how)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        machine.setenv(name, key)
    said = refusal(shell.call(*TABLE, "-m", model))
    assert missing([model, "turned the key down", "check the key"], said) == [], said


def test_a_key_in_a_file_that_is_not_there_names_the_variable(world, shell, machine):
    machine.setenv("ANTHROPIC_API_KEY_FILE", "nowhere/key")
    assert "ANTHROPIC_API_KEY_FILE names 'nowhere/key'" in refusal(shell.call(*TABLE, "-m", "anthropic/m"))


MODELS = {
    "no provider": (("-m", "m"), ["'m'", "openai/NAME"]),
    "an unknown one": (("-m", "mistral/m"), ["'mistral/m'", "anthropic/NAME"]),
    "no name": (("-m", "gemini/"), ["'gemini/'", "gemini/NAME"]),
    "nobody there": (("-m", "openai/m", "--base-url", "http://127.0.0.1:9/v1"), ["Cannot reach", "127.0.0.1:9"]),
    "no address": (("-m", "gemini/m", "--base-url", "gemini"), ["'gemini'", "http"]),
    "a video for another model": (("-m", "openai/m", "--video"), ["Gemini", "gemini/NAME"]),
    "a video for the local judge": (("--video",), ["gemini/NAME"]),
    "a video for another fallback": (("-m", "gemini/m", "--fallback", "openai/m", "--video"), ["Gemini"]),
    "videos in batches": (("-m", "gemini/m", "--video", "--batch"), ["--video or --batch"]),
    "rationales of videos": (("-m", "gemini/m", "--video", "--mode", "anchored"), ["--video or --mode"]),
    "batches of gemini": (("-m", "gemini/m", "--batch"), ["openai/NAME"]),
    "batches of the local judge": (("--batch",), ["--batch"]),
    "batches with a fallback": (("-m", "openai/m", "--fallback", "openai/n", "--batch"), ["--fallback"]),
    "embeddings of nobody": (
        ("-m", "openai/m", "--mode", "anchored", "--embeddings", "mistral/e"),
        ["'mistral/e'", "openai/NAME"],
    ),
    "embeddings of gemini": (
        ("-m", "openai/m", "--mode", "anchored", "--embeddings", "gemini/e"),
        ["'gemini/e'", "openai/NAME"],
    ),
    "embeddings for numbers": (("-m", "openai/m", "--embeddings", "openai/e"), ["--mode anchored"]),
    "rationales of the local judge": (("--mode", "anchored"), ["--model"]),
    "a tab in a file": (("-m", "openai/m", "--mode", "anchored", "--rationales", "Why"), ["Only a Google sheet"]),
    "a layout of a file": (("--name-row", "1"), ["rows.csv is no Google sheet"]),
    "samples of the local judge": (("--samples", "3"), ["--samples"]),
    "a budget without a price": (("-m", "openai/unheard-of", "--budget", "1"), ["openai/unheard-of", "--price-in"]),
    "a budget for the local judge": (("--budget", "1"), ["costs nothing", "--budget"]),
    "a file of prices that is none": (("-m", "openai/m", "--prices", "rows.csv", "--budget", "1"), ["rows.csv"]),
    "a file of prices that is missing": (("-m", "openai/m", "--prices", "p.yaml", "--budget", "1"), ["p.yaml"]),
    "the failed rows of nothing": (("--only-failed",), ["without --only-failed"]),
}


@pytest.mark.parametrize(("given", "words"), MODELS.values(), ids=MODELS)
def test_what_does_not_go_together_is_one_sentence(world, shell, given, words):
    said = refusal(shell.call(*TABLE, *given))
    assert missing(words, said) == [], said


NUMBERS = [
    ("--limit", "0"),
    ("--sample", "0"),
    ("--budget", "0"),
    ("--samples", "0"),
    ("--video-mb", "0"),
    ("--ask", "-1"),
]


@pytest.mark.parametrize("given", NUMBERS, ids=" ".join)
def test_a_number_out_of_its_range_is_refused_with_the_range(world, shell, given):
    ended = shell.call(*TABLE, *given)
    assert (ended.code, ended.out) == (2, "")
    assert f"Invalid value for '{given[0]}'" in ended.err
    assert "is not in the range" in ended.err


BEHAVIOURS = {
    "no such model": (Behaviour(models=("other",)), (), ["openai/m", "not to be had", "check the model's name"]),
    "no money left": (Behaviour(faults={"quota": 1.0}), (), ["quota", "used up", "resume"]),
    "no batches": (Behaviour(batches=False), ("--batch",), ["has no batches", "leave --batch out"]),
}


@pytest.mark.parametrize(("behaviour", "given", "words"), BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_a_model_that_cannot_be_used_says_why(world, shell, behaviour, given, words):
    world.model.behave(behaviour)
    said = refusal(shell.call(*TABLE, "-m", "openai/m", *given))
    assert missing(words, said) == [], said


# --- videos ---

VIDEOS = {
    "too large": ("{gemini}/videos/a.mp4?bytes=3000000", ("--video-mb", "1"), ["is larger than 1 M"]),
    "no video": ("{gemini}/page", (), ["web page"]),
    "not there": ("{gemini}/videos/missing.mp4", (), ["HTTP 404"]),
    "a file that is none": ("rows.csv", (), ["not supported"]),
    "a file that is missing": ("clips/a.mp4", (), ["no file 'clips/a.mp4'"]),
    "outside of the folder": ("../../a.mp4", (), ["outside the folder"]),
    "an empty cell": ("", (), ["empty"]),
    "no link": ("ftp://example.org/a.mp4", (), ["no http(s) link"]),
    "in circles": ("{gemini}/redirect", (), ["redirect"]),
}


@pytest.mark.parametrize(("link", "given", "words"), VIDEOS.values(), ids=VIDEOS)
def test_a_video_that_cannot_be_judged_fails_alone_and_says_why(world, shell, link, given, words):
    shell.write("rows.csv", f'id,comment\n1,"{link.format(gemini=world.gemini.url)}"\n')
    ended = shell.call(*TABLE, "-m", "gemini/m", "--video", "--allow-private", *given)
    assert ended.code == 1, ended
    (row,) = open_table(shell.folder / "scored.csv").rows()
    assert missing(words, str(row.cells)) == [], row.cells


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "[::1]", "0x7f.1", "169.254.169.254"])
def test_a_video_at_a_private_address_is_refused(world, shell, host):
    shell.write("rows.csv", f"id,comment\n1,http://{host}/a.mp4\n")
    assert shell.call(*TABLE, "-m", "gemini/m", "--video").code == 1
    (row,) = open_table(shell.folder / "scored.csv").rows()
    assert missing(["private network"], str(row.cells)) == [], row.cells


# --- interrupted ---


def test_ctrl_c_on_a_sheet_says_what_is_kept_and_how_to_go_on(world, shell, started):
    world.model.behave(Behaviour(latency=0.4))
    given = ("score", world.sheet.sheet_url(), "-m", "openai/m", "--concurrency", "1")
    process = started(shell.start(*given))
    until(lambda: world.model.stats().answered >= 2)
    process.send_signal(signal.SIGINT)
    ended = wait(process)
    assert ended.code == 130, ended
    assert "Traceback" not in ended.err
    assert "jobs resume" in ended.out
