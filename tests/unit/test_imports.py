"""What importing loads, what is public, and how the rooms are kept."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import penstock
from penstock import errors

SOURCE = Path(penstock.__file__).parent
HEAVY = {"aiohttp", "numpy", "pyarrow", "rich", "xlsxwriter", "python_calamine"}
ROOMS = ("page", "flow", "ledger", "web", "tables", "models", "judge", "jobs", "grade", "score", "testing", "cli")


def loaded_by(statement):
    script = f"{statement}; import sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_importing_penstock_loads_nothing_heavy():
    assert not loaded_by("import penstock") & {*HEAVY, "click", "msgspec", "anyio", "asyncio"}


def test_importing_the_command_line_loads_nothing_heavy():
    assert not loaded_by("import penstock.cli") & HEAVY


@pytest.mark.parametrize(
    "room", ["flow.run", "flow.gate", "ledger.sqlite", "ledger.cache", "jobs.run", "jobs.workspace"]
)
def test_the_engine_loads_nothing_heavy(room):
    assert not loaded_by(f"import penstock.{room}") & {*HEAVY, "click"}


def test_the_public_names_are_these():
    assert penstock.__all__ == [
        "Category",
        "GradeResult",
        "ModelSpec",
        "PenstockError",
        "ScoreResult",
        "Session",
        "a_grade_table",
        "a_score_table",
        "grade_table",
        "score_table",
    ]


@pytest.mark.parametrize("name", penstock.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert inspect.getdoc(getattr(penstock, name))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'scores_table'"):
        _ = penstock.scores_table


def test_public_names_are_listed():
    assert set(penstock.__all__) <= set(dir(penstock))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_what_it_says_it_exports(room):
    module = importlib.import_module(f"penstock.{room}")
    assert module.__doc__
    for name in getattr(module, "__all__", ()):
        assert getattr(module, name) is not None


def drawn():
    """The tree at the top of `errors.py`: each class with the one that it hangs from."""
    found, path = {}, {}
    tree = errors.__doc__.split("\n\n")[1]
    for line in tree.splitlines():
        for match in re.finditer(r"(?:^|[├└]─ |─┬─ |─── )([A-Z]\w+)", line):
            column = match.start(1)
            above = [place for place in path if place < column]
            found[match[1]] = path[max(above)] if above else "Exception"
            path = {place: name for place, name in path.items() if place < column} | {column: match[1]}
    return found


def test_every_error_hangs_where_the_tree_at_the_top_of_the_module_draws_it():
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and kind.__module__ == errors.__name__
    }
    assert drawn() == {name: kind.__base__.__name__ for name, kind in classes.items()}
    assert all(inspect.getdoc(kind) for kind in classes.values())


def modules():
    return sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_is_not_long_and_says_what_it_is(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 450
    assert text.startswith('"""')


def test_no_module_is_a_drawer_for_odds_and_ends():
    drawers = {"utils", "util", "helpers", "common", "base", "manager", "misc"}
    assert not {path.stem.strip("_") for path in modules()} & drawers
    assert not {path.parent.name for path in modules()} & drawers
