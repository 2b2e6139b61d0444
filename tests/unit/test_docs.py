"""The pages say nothing that is not there, and leave out nothing that is."""

import ast
import dataclasses
import re
import shlex
from itertools import chain

import click
import msgspec
import pytest

from pages import DOCS, PAGES, ROOT, blocks, same
from penstock.cli import main
from penstock.cli.defaulting import DEFAULT
from penstock.grade import Answer, Batch, BatchStats, Mark
from penstock.grade.config import GradeConfig
from penstock.models import ModelSpec
from penstock.records import Failure
from penstock.score import ScoreConfig
from penstock.score.categories import read_categories
from penstock.tables import open_table
from penstock.testing import FAULTS, Behaviour, Stats, parse_behaviour
from penstock.testing.gemini.behaviour import GeminiBehaviour
from penstock.testing.gemini.server import GeminiStats
from penstock.testing.sheet.behaviour import SheetBehaviour
from penstock.testing.sheet.tally import SheetStats

REFERENCE = DOCS / "reference"
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

named = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page):
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def codes(page):
    return set(chain.from_iterable(CODE.findall(line) for line in prose(page).splitlines()))


def anchors(page):
    headings = HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(group, *path):
    """Every command with its path, groups included."""
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *path, name)


def meant(words):
    """The command that is typed, and what is said after it."""
    command = main
    while isinstance(command, click.Group):
        named = words[0] in command.commands
        command, words = command.commands[words[0] if named else DEFAULT], words[named:]
    return command, words


COMMANDS = {" ".join(("penstock", *path)): command for path, command in commands(main)}


@named
def test_every_link_leads_somewhere(page):
    broken = []
    for link in LINK.findall(prose(page)):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@named
def test_every_file_that_is_named_exists(page):
    files = {code for code in codes(page) if re.fullmatch(r"(?:examples|benchmarks|docs|src)/[\w./-]+", code)}
    scripts = set(re.findall(r"(?:python3?|bash) ((?:[\w-]+/)*[\w-]+\.py)", page.read_text(encoding="utf-8")))
    assert [name for name in sorted(files | scripts) if not (ROOT / name).exists()] == []


@named
def test_every_fence_is_closed_and_of_a_known_language(page):
    fences = re.findall(r"^```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(fences[1::2]) <= {""}
    assert set(fences[::2]) <= {"console", "bash", "python", "yaml"}
    assert len(blocks(page)) == len(fences[::2])


def test_every_page_is_reached_from_the_index():
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(prose(page)))
        targets = {(page.parent / link).resolve() for link in links if link.endswith(".md")}
        waiting += targets - reached
    assert set(DOCS.rglob("*.md")) - reached == set()


def test_every_decision_has_its_three_parts():
    for page in (DOCS / "decisions").glob("0*.md"):
        number, *parts = HEADING.findall(page.read_text(encoding="utf-8"))
        assert parts == ["Situation", "Choice", "Price"], page.name
        assert number.split(".")[0] == str(int(page.name[:4]))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_its_help_in_the_reference(name):
    page = REFERENCE / "command-line.md"
    assert f"$ {name} --help\n" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_in_the_help_of_the_reference(name):
    text = (REFERENCE / "command-line.md").read_text(encoding="utf-8")
    shown = text.partition(f"$ {name} --help\n")[2].partition("```")[0]
    options = [option for option in COMMANDS[name].params if isinstance(option, click.Option) and not option.hidden]
    written = chain.from_iterable((*option.opts, *option.secondary_opts) for option in options)
    assert [option for option in written if not re.search(rf"(?<![\w-]){option}(?![\w-])", shown)] == []


def test_every_setting_of_a_job_is_explained():
    known = codes(REFERENCE / "settings.md")
    fields = {*ScoreConfig.__struct_fields__, *GradeConfig.__struct_fields__, *ModelSpec.__struct_fields__}
    assert fields - known == set()


@pytest.mark.parametrize("kind", [ScoreConfig, GradeConfig, ModelSpec], ids=lambda kind: kind.__name__)
def test_the_defaults_of_the_settings_are_those_of_the_code(kind):
    section = prose(REFERENCE / "settings.md").partition(f"## {kind.__name__}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (\d+) \|", section, re.MULTILINE)
    defaults = {field.name: field.default for field in msgspec.structs.fields(kind)}
    assert len(rows) >= 4
    assert {name: float(value) for name, value in rows} == {name: float(defaults[name]) for name, _ in rows}


def test_every_field_of_an_answer_a_mark_and_a_batch_is_explained():
    known = codes(REFERENCE / "marks.md")
    fields = {field.name for kind in (Answer, Mark, Batch, BatchStats) for field in dataclasses.fields(kind)}
    assert fields - known == set()


def test_every_option_of_score_is_explained_with_the_settings():
    known = codes(REFERENCE / "settings.md")
    options = chain.from_iterable(
        (*option.opts, *option.secondary_opts) for option in COMMANDS["penstock score table"].params
    )
    longs = {option for option in options if option.startswith("--")}
    assert longs - known == set()


def test_every_setting_fault_and_count_of_the_test_server_is_explained():
    known = codes(REFERENCE / "testing-server.md")
    fields = {field.name for kind in (Behaviour, Stats) for field in dataclasses.fields(kind)}
    assert (fields | set(FAULTS)) - known == set()


@pytest.mark.parametrize(
    ("page", "command"),
    [
        ("testing-server.md", "serve-model"),
        ("testing-sheet.md", "serve-sheet"),
        ("testing-gemini.md", "serve-gemini"),
    ],
)
def test_every_option_of_a_test_server_is_explained(page, command):
    known = codes(REFERENCE / page)
    options = chain.from_iterable(option.opts for option in COMMANDS[f"penstock testing {command}"].params)
    longs = {option for option in options if option.startswith("--")}
    assert longs - known - {"--behaviour"} == set()


@pytest.mark.parametrize(
    ("page", "kinds"),
    [
        ("testing-sheet.md", (SheetBehaviour, SheetStats)),
        ("testing-gemini.md", (GeminiBehaviour, GeminiStats)),
    ],
)
def test_every_setting_and_count_of_the_other_test_servers_is_explained(page, kinds):
    fields = {
        name
        for kind in kinds
        for name in getattr(kind, "__struct_fields__", None) or [field.name for field in dataclasses.fields(kind)]
    }
    assert fields - codes(REFERENCE / page) == set()


def test_every_field_of_the_run_folders_files_is_explained():
    known = codes(REFERENCE / "run-folder.md")
    from penstock.jobs.events import Progress
    from penstock.ledger.ledger import Job
    from penstock.score.summary import Summary

    fields = {field.name for kind in (Progress, Job) for field in dataclasses.fields(kind)}
    assert (fields | set(Summary(["a"]).as_dict())) - known == set()


def test_every_kind_of_failure_is_explained():
    from penstock import errors

    kinds = {
        kind.code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, (errors.ItemError, errors.Later))
    }
    assert {field.name for field in dataclasses.fields(Failure)} >= {"code", "later"}
    assert kinds - {"item", "later"} - codes(REFERENCE / "outcomes.md") == set()


def test_every_public_name_is_shown_at_work():
    import penstock

    text = (DOCS / "how-to" / "use-from-python.md").read_text(encoding="utf-8")
    assert [name for name in penstock.__all__ if name not in text and not name.endswith("Result")] == []


def test_every_benchmark_stands_among_the_figures():
    text = (DOCS / "performance.md").read_text(encoding="utf-8")
    scripts = [f"python benchmarks/{path.name}" for path in (ROOT / "benchmarks").glob("*.py")]
    meant = [script for script in scripts if script in (ROOT / script.split()[1]).read_text(encoding="utf-8")]
    assert [script for script in meant if script not in text] == []


@named
def test_every_python_block_parses(page):
    for block in blocks(page):
        if block.language == "python":
            ast.parse(block.text)


@named
def test_every_command_that_is_only_read_fits_the_command_line(page):
    texts = [block.text for block in blocks(page) if block.language == "bash"]
    lines = "\n".join(texts).replace("\\\n", " ").splitlines()
    for line in lines:
        words = [word for word in shlex.split(line, comments=True) if word != "&"]
        if words[:1] == ["penstock"]:
            command, rest = meant(words[1:])
            command.make_context(command.name, rest)


@named
def test_every_behaviour_that_is_shown_can_be_used(page):
    for block in blocks(page):
        values = msgspec.yaml.decode(block.text.encode()) if block.language == "yaml" else None
        if isinstance(values, dict) and "latency" in values:
            parse_behaviour(values)


@pytest.mark.parametrize(
    ("shown", "printed", "varies", "agree"),
    [
        ("60 rows in 0.1 s", "60 rows in 12.5 s", False, True),
        ("60 rows in 0.1 s", "61 rows in 0.1 s", False, False),
        ("60 rows", "61 rows", True, True),
        ("60 rows", "60 rows, 1 failed", True, False),
        ("done", "14/60 rows (23 %), 2 rows/s\ndone", False, True),
        ('{"a": 1, "b": 2}', '{"a": 3, "b": [4]}', True, True),
        ('{"a": 1, "b": 2}', '{"a": 1}', True, False),
    ],
)
def test_a_session_is_compared_without_what_varies(shown, printed, varies, agree):
    assert same(shown, printed, varies=varies) is agree


def test_the_sample_holds_the_rows_that_the_pages_speak_of():
    rows = list(open_table(ROOT / "examples" / "comments.csv").rows())
    texts = [row.cells[1] for row in rows]
    assert len(rows) == 60
    assert (texts[29][0], texts[30], texts[31][0]) == ("👍", "", "=")
    assert not any(row.problem for row in rows)


def test_the_labels_of_the_examples_are_the_categories():
    categories, _ = read_categories(ROOT / "examples" / "categories.yaml")
    table = open_table(ROOT / "examples" / "labelled.csv")
    named = set(chain.from_iterable(row.cells[1].split(";") for row in table.rows() if row.cells[1]))
    assert named == {category.name for category in categories}
