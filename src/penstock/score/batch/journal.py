"""What a job has given to a provider's batch API, so that nothing is given twice whenever the process dies.

Every step is on the disk before the next one begins: the lines that are to be sent, the name of the file at the
provider, the name of the batch, the answers. The last line of a batch says how far it is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from penstock.errors import DeliveryError

if TYPE_CHECKING:
    from pathlib import Path

JOURNAL = "batches.jsonl"
FOLDER = "batches"

Step: TypeAlias = Literal["made", "sent", "created", "fetched", "cleared", "closed"]


@dataclass(slots=True, kw_only=True)
class Entry:
    """One batch, as far as it has come.

    Attributes:
        digest: Our name for it.
        step: The last step: its lines are `made`, their file is `sent`, the batch is `created`, its answers are
            `fetched`, the files at the provider are `cleared`, or all is `closed`.
        lines: How many lines it has.
        usd: What it was expected to cost.
        file_id: The provider's name for the file of lines.
        batch_id: The provider's name for the batch.
        remote: The provider's names for the files of answers.
    """

    digest: str
    step: Step = "made"
    lines: int = 0
    usd: float = 0.0
    file_id: str = ""
    batch_id: str = ""
    remote: list[str] | None = None


class BatchJournal:
    """The batches of one job, in its run folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made by the first thing written."""
        self._path = folder / JOURNAL
        self._folder = folder / FOLDER

    def lines(self, digest: str) -> Path:
        """The file of a batch's lines."""
        return self._folder / f"{digest}.jsonl"

    def answers(self, digest: str) -> tuple[Path, Path]:
        """The files of a batch's answers and of its errors."""
        return self._folder / f"{digest}.output.jsonl", self._folder / f"{digest}.errors.jsonl"

    def write_lines(self, digest: str, lines: list[bytes]) -> None:
        """Put the lines of a batch on the disk.

        Raises:
            DeliveryError: They cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self.lines(digest).open("wb") as file:
                for line in lines:
                    file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DeliveryError(
                f"{self.lines(digest)} cannot be written: {error.strerror}; mend that, then resume."
            ) from error

    def note(self, entry: Entry, step: Step, **facts: Any) -> None:
        """Say that a step is done; it is on the disk when this returns.

        Raises:
            DeliveryError: It cannot be written.
        """
        for name, value in facts.items():
            setattr(entry, name, value)
        entry.step = step
        line = {"batch": entry.digest, "step": step, **facts}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:  # a line that a crash cut off is ended by the line break before
                file.write(b"\n" + msgspec.json.encode(line) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DeliveryError(f"{self._path} cannot be written: {error.strerror}; mend that, then resume.") from error

    def unfinished(self) -> list[Entry]:
        """List the batches that are not closed, oldest first."""
        found: dict[str, Entry] = {}
        for line in self._read():
            digest, step = line.pop("batch"), line.pop("step")
            entry = found.setdefault(digest, Entry(digest=digest))
            entry.step = step
            for name, value in line.items():
                setattr(entry, name, value)
        return [entry for entry in found.values() if entry.step != "closed"]

    def close(self, entry: Entry) -> None:
        """Say that nothing of a batch is needed any more, and remove its files."""
        self.note(entry, "closed")
        for path in (self.lines(entry.digest), *self.answers(entry.digest)):
            path.unlink(missing_ok=True)

    def _read(self) -> list[dict[str, Any]]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        lines: list[dict[str, Any]] = []
        for written in content.split(b"\n"):
            try:
                lines.append(msgspec.json.decode(written, type=dict[str, Any]))
            except (msgspec.DecodeError, UnicodeDecodeError):  # empty, or cut off by a crash
                continue
        return lines
