"""What must not be in the repository: addresses of mirrors, paths of machines, secrets."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GIT = (ROOT / ".git").exists()

# Written in pieces, so that this file does not hold what it looks for.
MACHINE_PATHS = re.compile(r"(?<![\w.$~}>])/(?:root|work)" + "/")
SECRETS = re.compile(
    "|".join(
        (
            r"\bsk-(?:proj-)?[A-Za-z0-9]{20,}",
            r"\bAKIA[0-9A-Z]{16}\b",
            r"\bAIza[0-9A-Za-z_-]{35}\b",
            r"\bgh[pousr]_[A-Za-z0-9]{36}",
            r"-----BEGIN [A-Z ]*PRIVATE " + "KEY-----",
        )
    )
)
MIRRORS = re.compile(r"(?:index-url|extra-index|find-links|/simple/?(?:\s|$)|artifactory|devpi|nexus)", re.IGNORECASE)


def tracked():
    """Every text file that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, listed):
        path = ROOT / name
        if path.is_file():
            content = path.read_bytes()
            if b"\0" not in content:
                yield name, content.decode("utf-8", "replace")


def found(pattern, *, besides=()):
    return [
        f"{name}: {match[0]!r}"
        for name, text in tracked()
        if name not in besides
        for match in [pattern.search(text)]
        if match
    ]


needs_git = pytest.mark.skipif(not GIT, reason="this is no clone, so nobody can say what is tracked")
THIS = "tests/unit/test_repository.py"


@needs_git
def test_no_file_names_a_path_of_a_machine():
    assert found(MACHINE_PATHS) == []


@needs_git
def test_no_file_holds_a_secret():
    assert found(SECRETS) == []


@needs_git
def test_no_file_names_the_index_that_packages_came_from():
    assert found(MIRRORS, besides=(THIS,)) == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_no_address(lock):
    assert "://" not in (ROOT / lock).read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_a_hash_for_every_package(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    packages = re.findall(r"^([a-z0-9][a-z0-9._-]*)==", text, re.MULTILINE)
    assert packages
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[a-z0-9])", text.strip()))


@needs_git
def test_what_is_made_by_running_is_not_tracked():
    made = re.compile(r"(?:^|/)(?:\.venv|__pycache__|\.penstock|\.pytest_cache|uv\.lock|.*\.db|.*\.pyc)(?:/|$)")
    assert [name for name, _ in tracked() if made.search(name)] == []
