"""What the acceptance tests share: a folder with a command line, a model server, processes that surely end."""

import signal

import pytest
from shells import Shell

from penstock.testing import Behaviour, serve_in_process


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shell = Shell(folder=tmp_path)
    shell.write("categories.yaml", "[praise, complaint]\n")
    return shell


@pytest.fixture(scope="session")
def _server():
    with serve_in_process() as server:
        yield server


@pytest.fixture
def server(_server):
    """A model server that answers at once and has counted nothing; a test may have it behave otherwise."""
    _server.behave(Behaviour())
    _server.reset()
    return _server


@pytest.fixture
def asking(server):
    """Arguments that score `rows.csv` with the server."""

    def arguments(*more, source="rows.csv", output="scored.csv"):
        return (
            "score", source, "-t", "comment", "-c", "categories.yaml", "-o", output,
            "--model", "openai/m", "--base-url", server.url, *more,
        )  # fmt: skip

    return arguments


@pytest.fixture
def started():
    """Start processes that are surely ended after the test."""
    running = []

    def keep(process):
        running.append(process)
        return process

    yield keep
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
