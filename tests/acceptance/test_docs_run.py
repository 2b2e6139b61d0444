"""What the pages show is what happens: every session and every script of the documentation is played."""

import subprocess
import sys

import pytest

from pages import PAGES, ROOT, Reader, blocks, same

SESSIONS = [page for page in PAGES if any(block.language == "console" for block in blocks(page))]
SCRIPTS = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]


def name(page):
    return str(page.relative_to(ROOT))


@pytest.fixture
def reader(tmp_path):
    with Reader(tmp_path) as reader:
        yield reader


@pytest.mark.parametrize("page", SESSIONS, ids=name)
def test_every_session_prints_what_the_page_shows(page, reader):
    for block in blocks(page):
        if block.is_file:
            reader.write(block)
        if block.language == "console":
            for typed, shown in block.steps():
                printed = reader.type(typed)
                assert same(shown, printed, varies=block.varies), f"$ {typed}\n{printed}"


@pytest.mark.parametrize("page", SCRIPTS, ids=name)
def test_every_script_runs(page, reader):
    reader.python("\n\n".join(block.text for block in blocks(page) if block.language == "python"))


def test_the_demo_runs_twice_from_any_folder(tmp_path):
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, ROOT / "examples" / "demo.py", tmp_path / "demo"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "59 comments were scored, 1 could not be" in done.stdout
        assert (tmp_path / "demo" / "comments.scored.csv").exists()
        assert done.stderr == ""


def test_the_api_example_runs(reader):
    done = reader.python("import runpy; runpy.run_path('examples/score_api.py', run_name='__main__')")
    assert done.count("59 scored, 1 failed") == 2
