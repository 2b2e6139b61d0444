"""The run folder: what a job shows to people and scripts. The ledger is the truth; these files are its picture."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
from filelock import FileLock, Timeout

from penstock.errors import DeliveryError, JobError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from penstock.jobs.events import Progress
    from penstock.ledger.ledger import Chunk, Job


GLANCE = 0.5
"""Seconds to wait for a lock: somebody who only looks whether a job is busy holds it for a moment, too."""


class RunFolder:
    """Writes `run_meta.json`, `chunk_meta.json`, `checkpoint.json` and `progress.jsonl` of one job."""

    def __init__(self, path: Path) -> None:
        """Name the folder; it is made by the first thing written."""
        self.path = path

    @contextmanager
    def locked(self) -> Generator[None]:
        """Hold the job: only one process works on it. The lock goes with the process, however it ends.

        Raises:
            JobError: Another process is working on it.
        """
        lock = self._lock()
        try:
            lock.acquire(timeout=GLANCE, poll_interval=GLANCE / 5)
        except Timeout:
            raise JobError(f"Job {self.path.name} is being worked on by another process.") from None
        try:
            yield
        finally:
            lock.release()

    def busy(self) -> bool:
        """Whether a living process is working on the job."""
        if not self.path.is_dir():
            return False
        lock = self._lock()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def _lock(self) -> FileLock:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DeliveryError(
                f"The run folder {self.path} cannot be made: {error.strerror}; mend that, then resume."
            ) from error
        return FileLock(self.path / "lock", is_singleton=False)

    def write_run(self, job: Job, facts: Mapping[str, Any]) -> None:
        """Write what the job is and how it went."""
        described = asdict(job)
        described["config"] = msgspec.json.decode(job.config)
        self.write("run_meta.json", {**described, **facts})

    def write_chunks(self, chunks: Sequence[Chunk]) -> None:
        """Write where every chunk stands."""
        self.write(
            "chunk_meta.json",
            [
                {
                    "chunk_id": chunk.number,
                    "row_range": [chunk.first_row, chunk.first_row + chunk.rows - 1],
                    "status": chunk.status,
                    "retry_count": chunk.retry_count,
                    "failed": chunk.failed,
                    "last_error": chunk.last_error,
                    "updated_at": chunk.updated_at,
                }
                for chunk in chunks
            ],
        )

    def write_checkpoint(self, progress: Progress) -> None:
        """Write how far the job has come."""
        self.write("checkpoint.json", asdict(progress))

    def add_progress(self, progress: Progress) -> None:
        """Add one line to the course of the job."""
        line = {
            "seconds": round(progress.seconds, 3),
            "done": progress.done,
            "failed": progress.failed,
            "rate": round(progress.rate, 2),
            "working": progress.working,
            **progress.gauges,
        }
        self.add_line("progress.jsonl", line)

    def add_line(self, name: str, line: Mapping[str, Any]) -> None:
        """Add one JSON line to a file of the folder.

        Raises:
            DeliveryError: It cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / name).open("ab+") as file:
                file.write(_after_a_cut(file) + msgspec.json.encode(line) + b"\n")
        except OSError as error:
            raise DeliveryError(
                f"{self.path / name} cannot be written: {error.strerror}; mend that, then resume."
            ) from error

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Read the JSON lines of a file of the folder; a line that a crash cut off is left out."""
        try:
            content = (self.path / name).read_bytes()
        except FileNotFoundError:
            return []
        return [line for written in content.split(b"\n") if isinstance(line := _decoded(written), dict)]

    def write_page(self, name: str, page: str) -> Path:
        """Replace a page of the folder; returns where it lies.

        Raises:
            DeliveryError: It cannot be written.
        """
        self._replace(name, page.encode())
        return self.path / name

    def write(self, name: str, content: Any) -> None:
        """Replace a JSON file of the folder in one step.

        Raises:
            DeliveryError: It cannot be written.
        """
        self._replace(name, msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")

    def _replace(self, name: str, content: bytes) -> None:
        """Replace a file in one step: whoever reads it sees the old one or the new one."""
        draft = self.path / f".{name}.draft"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
            draft.replace(self.path / name)
        except OSError as error:
            raise DeliveryError(
                f"{self.path / name} cannot be written: {error.strerror}; mend that, then resume."
            ) from error


def _after_a_cut(file: BinaryIO) -> bytes:
    """What is missing at the end of a file whose last line was cut off by a crash or a full disk."""
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        return b""
    file.seek(end - 1)
    return b"" if file.read(1) == b"\n" else b"\n"


def _decoded(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
