"""What the benchmarks share: tables of made-up rows, commands watched from outside, ratios with their spread."""

from __future__ import annotations

import csv
import os
import random
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WORDS = """
    the bridge opened late again and nobody told us why the ferry was full a wonderful morning by the river thanks to
    the crew who kept calm what a waste of money I cannot believe how kind they were please fix the lights my daughter
    cried all the way home honestly impressed by the new timetable
""".split()  # noqa: SIM905 - readable

CATEGORIES = ("praise", "complaint", "fear", "joy", "anger", "question")

PENSTOCK = str(Path(sysconfig.get_path("scripts")) / "penstock")
"""The command line of the environment that runs the benchmark."""


def made_up(rows: int, *, words: int = 18, longest: int = 0, seed: int = 1) -> Iterator[tuple[int, str, str]]:
    """Give rows of a number, a comment of `words` words (or up to `longest`), each another, and a place."""
    rng = random.Random(seed)
    for number in range(rows):
        length = rng.randint(words, longest) if longest else words
        yield number, f"{number}: {' '.join(rng.choices(WORDS, k=length))}", rng.choice("NESW")


def make_rows(path: Path, rows: int, *, words: int = 18, longest: int = 0, seed: int = 1) -> Path:
    """Write a CSV of `rows` rows with the columns id, comment and place."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["id", "comment", "place"])
        out.writerows(made_up(rows, words=words, longest=longest, seed=seed))
    return path


def make_categories(path: Path) -> Path:
    """Write the categories file of the command line."""
    path.write_text("".join(f"- {name}\n" for name in CATEGORIES), encoding="utf-8")
    return path


def spread(values: Sequence[float], *, form: str = ".2f") -> str:
    """Median with minimum and maximum."""
    return f"{statistics.median(values):{form}} [{min(values):{form}}, {max(values):{form}}]"


def cores() -> tuple[int, int | None]:
    """The core for what is measured, and another one for the server where there is one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1] if len(allowed) > 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A command that has ended.

    Attributes:
        code: Its exit code.
        seconds: From its start to its end.
        cpu: CPU seconds it used, threads included.
        peak: Most memory it held at once, in MB.
        memory: `(seconds, MB)` along the way.
        out: What it wrote to standard output.
        err: What it wrote to standard error.
    """

    code: int
    seconds: float
    cpu: float
    peak: float
    memory: Sequence[tuple[float, float]]
    out: str
    err: str


def watched(
    arguments: Sequence[str],
    *,
    every: float = 0.05,
    limit: float = 1_800.0,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a command to its end.

    Args:
        arguments: The program and what it is told.
        every: Seconds between two looks at it: whether it has ended, and how much memory it holds.
        limit: Seconds after which it is killed.
        environment: Instead of this process's.
    """
    memory: list[tuple[float, float]] = []
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(arguments, stdout=out, stderr=err, env=environment)
        try:
            while True:
                done, status, usage = os.wait4(process.pid, os.WNOHANG)
                if done:
                    process.returncode = code = os.waitstatus_to_exitcode(status)
                    break
                passed = time.perf_counter() - began
                if passed > limit:
                    process.kill()
                memory.append((passed, resident(process.pid)))
                time.sleep(every)
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
        seconds = time.perf_counter() - began
        out.seek(0)
        err.seek(0)
        return Ended(
            code=code,
            seconds=seconds,
            cpu=usage.ru_utime + usage.ru_stime,
            peak=usage.ru_maxrss / 1024,
            memory=memory,
            out=out.read().decode(),
            err=err.read().decode(),
        )


def resident(pid: int) -> float:
    """Memory that a process holds now, in MB; 0 when it is gone."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


def must(ended: Ended) -> Ended:
    """Give back a command that ended well; where it did not, end the benchmark with what the command said."""
    if ended.code:
        sys.exit(f"the command ended with {ended.code}:\n{ended.out}{ended.err}")
    return ended
