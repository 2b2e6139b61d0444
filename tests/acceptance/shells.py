"""The command line as its users meet it: run in a folder of its own, as a process or, where that is enough, in this."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
from click.testing import CliRunner

from penstock.cli import main

PENSTOCK = Path(sys.executable).with_name("penstock")
LONGEST = 60.0
"""Seconds that any command of these tests may take."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self):
        return msgspec.json.decode(self.out)


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Runs commands in one folder."""

    folder: Path

    def start(self, *given, environment=None, **how):
        """Start a process; the caller ends it."""
        return subprocess.Popen(
            [PENSTOCK, *map(os.fspath, given)],
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how},
        )

    def run(self, *given, **how):
        """Run a process to its end."""
        return wait(self.start(*given, **how))

    def call(self, *given):
        """Run a command in this process: quicker, and the same but for signals and limits."""
        ended = CliRunner().invoke(main, [*map(os.fspath, given)])
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return Ended(code=ended.exit_code, out=ended.stdout, err=ended.stderr)

    def write(self, name, content):
        """Write a file of the folder."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def table(self, rows, *, name="rows.csv"):
        """Write a table of so many different rows."""
        lines = [f"{number},the ferry number {number} was late again" for number in range(rows)]
        return self.write(name, "\n".join(["id,comment", *lines, ""]))

    def listing(self):
        """Tell every file but those of the workspace, with what it holds."""
        return {
            path.relative_to(self.folder): path.read_bytes() if path.is_file() else None
            for path in self.folder.rglob("*")
            if ".penstock" not in path.relative_to(self.folder).parts
        }

    def everything(self):
        """Give the content of every file, the workspace's included."""
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}


def wait(process, *, seconds=LONGEST):
    """Wait for a process; end it where it takes too long."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ended(code=process.returncode, out=(out or b"").decode(), err=(err or b"").decode())


def until(holds, *, seconds=LONGEST):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("what was waited for did not come")
        time.sleep(0.01)
