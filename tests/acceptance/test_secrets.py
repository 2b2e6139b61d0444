"""A secret is nowhere but in the requests that it is for: not in what is printed, not in what is kept."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from shells import Ended, until, wait

from penstock.testing import Behaviour, ModelServer
from penstock.testing.gemini.behaviour import GeminiBehaviour
from penstock.testing.gemini.server import GeminiServer
from penstock.testing.sheet.behaviour import SheetBehaviour
from penstock.testing.sheet.server import SheetServer
from planted import KEYS, TOKENS, Town, before, everything, leaks, pieces

REAL = {
    "type": "authorized_user",
    "client_id": "someone.apps.example",
    "client_secret": "GOCSPX-planted-client-secret",
    "refresh_token": "1//planted-refresh-token-of-a-person",
}
"""The file of a real person, of whom a server of this machine must not hear."""
SENT = {"refresh_token", "client_secret", "private_key_id"}
"""What an account's own token server is told."""

QUICK = ("--attempts", "1", "--patience", "1", "--retry-limit", "0", "--timeout", "5", "--flush-interval", "0.2")
OPENAI, GEMINI, CLAUDE = ("-m", "openai/m"), ("-m", "gemini/m"), ("-m", "anthropic/m")
EMBEDDED = (*OPENAI, "--mode", "anchored", "--embeddings", "openai/e")
VIDEO = (*GEMINI, "--video", "--allow-private")


@pytest.fixture(scope="module")
def town():
    """Servers that let in nobody without the right key."""
    town = Town()
    town.model = town.open(ModelServer(Behaviour(api_key=KEYS["OPENAI_API_KEY"])))
    town.claude = town.open(ModelServer(Behaviour(api_key=KEYS["ANTHROPIC_API_KEY"])))
    town.gemini = town.open(GeminiServer(GeminiBehaviour(api_key=KEYS["GEMINI_API_KEY"])))
    town.sheet = town.open(SheetServer(behaviour=SheetBehaviour(require_token=True)))
    yield town
    town.close()


@pytest.fixture
def gateways(town):
    """A gateway before each server, by its name."""
    with ExitStack() as stack:
        urls = {
            "openai": town.model.url.removesuffix("/v1"),
            "anthropic": town.claude.url.removesuffix("/v1"),
            "gemini": town.gemini.url,
            "sheet": town.sheet.url,
        }
        yield {name: stack.enter_context(before(url)) for name, url in urls.items()}


@pytest.fixture
def secret(shell, gateways, tmp_path_factory):
    """A folder, an environment full of secrets, and what looks for them."""
    return Secret(shell, gateways, tmp_path_factory.mktemp("elsewhere"))


class Secret:
    """Runs commands among secrets, and looks for them."""

    def __init__(self, shell, gateways, aside):
        self.shell, self.gateways, self.aside = shell, gateways, aside
        self.secrets = {**KEYS, **TOKENS, **pieces(REAL)}
        self.printed = {}
        shell.table(3)
        shell.write("videos.csv", f"id,comment\n1,{gateways['gemini'].url}/videos/ferry.mp4\n")
        self.environment = {
            **KEYS,
            **TOKENS,
            "OPENAI_BASE_URL": f"{gateways['openai'].url}/v1",
            "ANTHROPIC_BASE_URL": gateways["anthropic"].url,
            "GEMINI_BASE_URL": gateways["gemini"].url,
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.account(REAL)),
        }

    def account(self, info, name="account.json"):
        """Keep an account's file outside of the folder that is looked through."""
        path = self.aside / name
        path.write_text(json.dumps(info))
        self.secrets |= pieces(info)
        return path

    def sheet_account(self, town, kind="service_account"):
        """Let an account of the sheet's server ask."""
        path = self.aside / "rehearsal.json"
        getattr(town.sheet, kind)(path)
        info = json.loads(path.read_text())
        info["token_uri"] = f"{self.gateways['sheet'].url}/token"
        self.environment["GOOGLE_APPLICATION_CREDENTIALS"] = str(self.account(info, "rehearsal.json"))

    def in_files(self):
        """Move the keys into files."""
        for name, key in KEYS.items():
            path = self.aside / name
            path.write_text(f"{key}\n")
            self.environment[f"{name}_FILE"] = str(path)
            self.environment[name] = ""

    @property
    def sheet(self):
        return f"{self.gateways['sheet'].url}/spreadsheets/d/rehearsal/edit#gid=0"

    def run(self, *given, **how):
        return self.ended(self.shell.run(*given, environment=self.environment, **how))

    def ended(self, ended):
        number = len(self.printed)
        self.printed |= {f"stdout {number}": ended.out.encode(), f"stderr {number}": ended.err.encode()}
        return ended

    def call(self, *given):
        """Run a command in this process, which is quicker."""
        with pytest.MonkeyPatch.context() as environment:
            for name, value in self.environment.items():
                environment.setenv(name, value)
            return self.ended(self.shell.call(*given))

    def score(self, *more, source="rows.csv", how=None):
        output = () if source == self.sheet else ("-t", "comment", "-c", "categories.yaml", "-o", "scored.csv")
        return (how or self.run)("score", source, *output, "--json", *QUICK, *more)

    def leaks(self):
        tokens = (one for gateway in self.gateways.values() for one in gateway.heard)
        bearers = {
            one.headers["authorization"].removeprefix("Bearer ") for one in tokens if "authorization" in one.headers
        }
        issued = {f"token {token[:12]}": token for token in bearers - set(KEYS.values())}
        return leaks({**self.secrets, **issued}, {**self.printed, **everything(self.shell.folder)})

    def misplaced(self):
        """Secrets that went to a server they are not for."""
        own = {
            "openai": {"OPENAI_API_KEY"},
            "anthropic": {"ANTHROPIC_API_KEY"},
            "gemini": {"GEMINI_API_KEY"},
            "sheet": SENT if "rehearsal" in self.environment["GOOGLE_APPLICATION_CREDENTIALS"] else set(),
        }
        return [
            leak
            for name, gateway in self.gateways.items()
            for leak in leaks({k: v for k, v in self.secrets.items() if k not in own[name]}, gateway.sent())
        ]


WAYS = {
    "openai": OPENAI,
    "gemini": GEMINI,
    "anthropic": CLAUDE,
    "rationales with embeddings": EMBEDDED,
    "batches": (*OPENAI, "--batch"),
    "a preview that asks": (*OPENAI, "--preview", "--ask", "2"),
    "a budget that is spent": (*OPENAI, "--budget", "0.000001", "--price-in", "1", "--price-out", "1"),
    "a fallback elsewhere": (*CLAUDE, "--fallback", "gemini/m", "--fallback", "openai/m"),
}


@pytest.mark.parametrize("given", WAYS.values(), ids=WAYS)
def test_a_key_is_written_down_nowhere(secret, given):
    ended = secret.score(*given)
    assert ended.code == (1 if "--budget" in given else 0), ended
    secret.call("jobs", "show", "--json")
    assert secret.leaks() == []
    assert secret.misplaced() == []


def test_a_key_in_a_file_is_written_down_nowhere(secret):
    secret.in_files()
    assert secret.score(*CLAUDE, "--fallback", "openai/m").code == 0
    assert secret.leaks() == []
    assert secret.misplaced() == []


def test_a_video_leaves_no_key_behind(secret):
    ended = secret.score(*VIDEO, source="videos.csv")
    assert ended.code == 0, ended
    assert secret.leaks() == []
    assert secret.misplaced() == []


@pytest.mark.parametrize("kind", ["service_account", "authorized_user"])
def test_an_account_is_written_down_nowhere(secret, town, kind):
    secret.sheet_account(town, kind)
    ended = secret.score(*OPENAI, source=secret.sheet)
    assert ended.code == 0, ended
    assert any("authorization" in one.headers for one in secret.gateways["sheet"].heard)
    assert secret.leaks() == []
    assert secret.misplaced() == []


def test_a_real_account_is_never_sent_to_this_machine(secret, town):
    town.sheet.behave(SheetBehaviour())
    try:
        ended = secret.score(source=secret.sheet)
    finally:
        town.sheet.behave(SheetBehaviour(require_token=True))
    assert ended.code == 0, ended
    assert len(secret.gateways["sheet"].heard) > 3
    assert secret.misplaced() == []
    assert secret.leaks() == []


def test_a_video_on_a_drive_of_this_machine_is_fetched_without_a_real_account(secret, town):
    secret.shell.write("videos.csv", f"id,comment\n1,{secret.gateways['sheet'].url}/file/d/abc/view\n")
    assert secret.score(*VIDEO, source="videos.csv", how=secret.call).code != 0
    assert any("/drive/v3/files/abc" in one.line for one in secret.gateways["sheet"].heard)
    assert secret.misplaced() == []
    assert secret.leaks() == []


# --- servers that say secrets back ---

REFUSALS = {
    "openai 400": (OPENAI, "", 400),
    "openai 401": (OPENAI, "", 401),
    "openai 403": (OPENAI, "", 403),
    "openai 404": (OPENAI, "", 404),
    "gemini 400": (GEMINI, "", 400),
    "gemini 403": (GEMINI, "", 403),
    "anthropic 400": (CLAUDE, "", 400),
    "anthropic 401": (CLAUDE, "", 401),
    "embeddings 400": (EMBEDDED, "/embeddings", 400),
    "embeddings 401": (EMBEDDED, "/embeddings", 401),
    "batches 400": ((*OPENAI, "--batch"), "/batches", 400),
    "files of batches 401": ((*OPENAI, "--batch"), "/files", 401),
    "a preview 401": ((*OPENAI, "--preview", "--ask", "2"), "", 401),
    "uploads 400": (VIDEO, "/upload", 400),
    "uploads 403": (VIDEO, "/upload", 403),
    "prompts with videos 403": (VIDEO, ":generateContent", 403),
}


@pytest.mark.parametrize(("given", "only", "status"), REFUSALS.values(), ids=REFUSALS)
def test_a_key_that_is_said_back_is_not_repeated(secret, given, only, status):
    gateway = secret.gateways[given[1].partition("/")[0]]
    gateway.says, gateway.only = status, only
    ended = secret.score(*given, source="videos.csv" if "--video" in given else "rows.csv", how=secret.call)
    assert ended.code in {1, 2}, ended
    assert any(only in one.line for one in gateway.heard)
    assert secret.leaks() == []


def reply(said):
    """An answer without an error, in everybody's form: its text says the key back."""
    body = {
        "choices": [{"message": {"content": said}, "finish_reason": "stop"}],
        "candidates": [{"content": {"parts": [{"text": said}]}, "finishReason": "STOP"}],
        "content": [{"type": "text", "text": said}],
        "stop_reason": "end_turn",
        "type": "message",
        "role": "assistant",
    }
    return json.dumps(body).encode()


GARBAGE = {
    "a web page": lambda said: f"<html><pre>{said}</pre>".encode(),
    "an error that is none": lambda said: json.dumps({"error": {"message": said}}).encode(),
    "a list": lambda said: json.dumps([said]).encode(),
    "a reply": reply,
}


@pytest.mark.parametrize("form", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("given", [OPENAI, GEMINI, CLAUDE], ids=lambda given: given[1])
def test_garbage_with_a_key_in_it_is_not_quoted(secret, given, form):
    gateway = secret.gateways[given[1].partition("/")[0]]
    gateway.says, gateway.form = 200, form
    ended = secret.score(*given, how=secret.call)
    assert ended.code in {1, 2}, ended
    assert secret.leaks() == []


@pytest.mark.parametrize(
    ("only", "status"),
    [("/values:batchUpdate", 400), ("/values:batchUpdate", 429), ("/values:batchGet", 403), ("/token", 400)],
)
def test_a_token_that_is_said_back_is_not_repeated(secret, town, only, status):
    secret.sheet_account(town, "authorized_user")
    gateway = secret.gateways["sheet"]
    gateway.says, gateway.only = status, only
    if only == "/token":
        refresh = secret.secrets["refresh_token"]
        gateway.form = lambda _: json.dumps({"error": "invalid_grant", "error_description": f"No {refresh}"}).encode()
    elif status == 429:
        gateway.form = lambda said: json.dumps(
            {"error": {"message": said, "errors": [{"reason": "dailyLimitExceeded"}]}}
        ).encode()
    ended = secret.score(source=secret.sheet, how=secret.call)
    assert ended.code == 2, ended
    assert secret.leaks() == []


@pytest.mark.parametrize("option", ["--key-variable", "--fallback-key-variable"])
def test_a_key_that_is_typed_in_the_place_of_its_name_is_refused_and_not_kept(secret, option):
    ended = secret.score(*OPENAI, "--fallback", "openai/n", option, KEYS["OPENAI_API_KEY"], how=secret.call)
    assert ended.code == 2
    assert "never the key itself" in ended.err
    assert secret.leaks() == []


@pytest.mark.parametrize("host", ["{proxy}", "127.0.0.1:none"])
def test_the_password_of_a_proxy_is_not_repeated(secret, host):
    proxy = (
        f"http://someone:planted-password@{host.format(proxy=secret.gateways['openai'].url.removeprefix('http://'))}"
    )
    secret.secrets["proxy"] = "planted-password"
    secret.environment |= {"HTTPS_PROXY": proxy, "OPENAI_BASE_URL": "https://model.invalid/v1"}
    ended = secret.score(*OPENAI)
    assert ended.code == 2
    assert "prox" in ended.err.lower()
    assert secret.leaks() == []


# --- sudden ends ---

BUG = """
import sys
from penstock.score.api import score_table
def bug(event):
    raise ZeroDivisionError("a bug")
score_table(sys.argv[1], text="comment", categories="categories.yaml", output="scored.csv", model=sys.argv[2],
            listeners=[bug])
"""


@pytest.mark.parametrize("model", ["openai/m", "gemini/m"])
def test_a_bug_ends_in_a_traceback_without_secrets(secret, model):
    command = [sys.executable, "-X", "dev", "-c", BUG, "rows.csv", model]
    environment = {**os.environ, **secret.environment}
    done = subprocess.run(
        command, cwd=secret.shell.folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    ended = secret.ended(Ended(code=done.returncode, out=done.stdout, err=done.stderr))
    assert "ZeroDivisionError" in ended.err
    assert secret.leaks() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_sudden_end_and_a_resume_leave_no_secret(secret, town, started, number):
    secret.shell.table(24)
    town.model.behave(Behaviour(api_key=KEYS["OPENAI_API_KEY"], latency=0.2))
    try:
        given = ("score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "-o", "scored.csv", *EMBEDDED)
        process = started(secret.shell.start(*given, "--concurrency", "2", environment=secret.environment))
        until(lambda: len(secret.gateways["openai"].heard) > 6)
        told = {name: Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("cmdline", "comm")}
        process.send_signal(number)
        secret.ended(wait(process))
    finally:
        town.model.behave(Behaviour(api_key=KEYS["OPENAI_API_KEY"]))
    assert leaks(secret.secrets, told) == []
    assert secret.leaks() == []
    assert secret.run("jobs", "resume", "--json").code == 0
    assert secret.leaks() == []


def test_what_looks_for_secrets_finds_them(secret):
    key = KEYS["OPENAI_API_KEY"]
    secret.shell.write("plain", f"it is {key}")
    secret.shell.write("escaped", json.dumps({"key": key}))
    assert len(secret.leaks()) == 2
    assert os.sep in secret.leaks()[0]
