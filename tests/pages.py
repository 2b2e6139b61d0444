"""Reads the pages of the documentation, and plays the sessions that they show as a reader would type them.

A `console` block is a session: lines that begin with `$ ` are typed, the lines below are what came back. It is played
in a folder that holds `examples/`. A block behind `<!-- figures vary -->` is compared without its numbers. A `yaml`
block whose first line is `# NAME.yaml` is a file that the reader writes. Commands that end with `&` are servers, each
at the port that is its own where none is named; `kill %1 %2` ends them. `bash` blocks need an account or the internet
and are only read.

    python tests/pages.py          plays all sessions and writes what they print now into the pages; look at the diff
    python tests/pages.py PAGE...  the same for these pages
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
HOME = "/home/ann/ferry"
PORTS = {"serve-sheet": "8766", "serve-gemini": "8767", "": "8765"}  # by a word of the command

_BLOCK = re.compile(r"^(<!-- figures vary -->\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STEP = re.compile(r"^\$ ((?:.*\\\n)*.*)\n?", re.MULTILINE)
_JOB = re.compile(r"(score|grade)-\d{8}-\d{6}-[0-9a-f]{4}")
_WHEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
_PROGRESS = re.compile(r"^[\d,]+/[\d,]+ rows .*\n", re.MULTILINE)
_FETCH = re.compile(r"curl -s (\S+) \| python3 -m json\.tool")
_SAVE = re.compile(r"curl -s (\S+) -o (\S+)")
_KILL = re.compile(r"kill(?: %\d)+")
_PATIENCE = 60  # seconds for one command


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block of a page."""

    language: str
    text: str
    varies: bool
    start: int
    end: int

    @property
    def is_file(self):
        """Whether it is a file that the reader writes."""
        return self.language == "yaml" and self.text.startswith("# ")

    def steps(self):
        """Yield what is typed and what comes back, for a session."""
        parts = _STEP.split(self.text)[1:]
        yield from zip(parts[::2], parts[1::2], strict=True)


def blocks(page):
    """List the fenced blocks of a page, in order."""
    return [
        Block(language=found[2], text=found[3], varies=bool(found[1]), start=found.start(3), end=found.end(3))
        for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


def same(expected, printed, *, varies):
    """Say whether a command printed what the page shows.

    Times never count, other numbers only where they are fixed; of JSON whose numbers vary, the names count.
    """
    if varies and expected.startswith("{"):
        return list(json.loads(expected)) == list(json.loads(printed))
    shape = re.compile(r"[\d,.]*\d" if varies else r"(?<=in )\d+\.\d(?= s\b)")
    return shape.sub("0", _PROGRESS.sub("", expected)).split() == shape.sub("0", _PROGRESS.sub("", printed)).split()


class Reader:
    """Somebody who follows a page: a folder with the examples, and the servers that were started."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        shutil.copytree(ROOT / "examples", self.folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "80",
            "LC_ALL": "C.UTF-8",
            "PYTHONWARNINGS": "error",
        }
        self._ports = {shown: free_port() for shown in PORTS.values()}
        self._jobs = {}
        self._servers = []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop_servers()

    def type(self, command):
        """Run one command and return what it printed, in the words of the pages."""
        for shown, port in self._ports.items():
            command = command.replace(shown, port)
        if command.endswith("&"):
            printed = self.start_server(command.rstrip("& "))
        elif _KILL.fullmatch(command):
            assert command.count("%") == len(self._servers), f"{command!r} leaves a server behind, or ends none"
            printed = self.stop_servers()
        elif fetched := _FETCH.fullmatch(command):  # without curl, which is not everywhere
            printed = json.dumps(json.loads(_fetched(fetched[1])), indent=4) + "\n"
        elif saved := _SAVE.fullmatch(command):
            printed = ""
            (self.folder / saved[2]).write_bytes(_fetched(saved[1]))
        else:
            printed = self._run(["bash", "-c", command])
        return self.in_words_of_the_pages(printed)

    def write(self, block):
        """Write the file that a block shows."""
        name = block.text.partition("\n")[0].removeprefix("# ").strip()
        (self.folder / name).write_text(block.text, encoding="utf-8")

    def python(self, script):
        """Run a script and return what it printed; raises when it fails."""
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_server(self, command):
        """Start a server and wait for the line in which it says its address."""
        port = self._ports[next(PORTS[word] for word in PORTS if word in command)]
        server = subprocess.Popen(
            ["bash", "-c", f"exec {command} --port {port}"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._servers.append(server)
        ready, _, _ = select.select([server.stdout], [], [], _PATIENCE)
        return server.stdout.readline() if ready else ""

    def stop_servers(self):
        """End the servers, if there are any."""
        while self._servers:
            server = self._servers.pop()
            server.terminate()
            server.communicate(timeout=_PATIENCE)
        return ""

    def in_words_of_the_pages(self, printed):
        """Replace what is different each time: the folder, the port, the ids of jobs, the time."""
        printed = printed.replace(str(self.folder), HOME)
        for shown, port in self._ports.items():
            printed = printed.replace(port, shown)
        printed = _STAMP.sub("2026-11-21T10:15:00.000+00:00", printed)
        return _WHEN.sub("2026-11-21 10:15:00", _JOB.sub(self._job, printed))

    def _job(self, found):
        number = self._jobs.setdefault(found[0], len(self._jobs))
        return f"{found[1]}-20261121-10{15 + number}00-{(0x7D1E + 0x2A9B * number) % 0x10000:04x}"

    def _run(self, command):
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        return done.stdout


def play(page):
    """Play the sessions of a page and return the page with what they printed, where that is something else."""
    text, written, at = page.read_text(encoding="utf-8"), "", 0
    with tempfile.TemporaryDirectory() as folder, Reader(folder) as reader:
        for block in blocks(page):
            if block.is_file:
                reader.write(block)
            if block.language == "console":
                played = "".join(_step(reader, typed, shown, block) for typed, shown in block.steps())
                written, at = f"{written}{text[at : block.start]}{played}", block.end
    return written + text[at:]


def _step(reader, typed, shown, block):
    printed = _PROGRESS.sub("", reader.type(typed))
    kept = shown if same(shown, printed, varies=block.varies) else printed
    return f"$ {typed}\n{kept}".rstrip("\n") + "\n"


def _fetched(address):
    with urlopen(address.strip("'"), timeout=10) as answer:
        return answer.read()


def free_port():
    """Return a port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


if __name__ == "__main__":
    for _page in [Path(name).resolve() for name in sys.argv[1:]] or PAGES:
        _page.write_text(play(_page), encoding="utf-8")
