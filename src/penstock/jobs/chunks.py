"""Chunks: which rows belong together, which of their items are still to do, and what follows from their outcomes.

Decisions only; the waiting is in `run`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from penstock.ledger.ledger import Chunk, ChunkStatus
from penstock.records import Failure, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from penstock.records import Item, Key, Outcome

LONGEST_PAUSE = 60.0
"""Seconds between two tries of a chunk at most."""


def plan(rows: int, *, chunk_rows: int) -> list[Chunk]:
    """Divide `rows` rows into chunks of `chunk_rows`; the last may be shorter."""
    return [
        Chunk(number=number, first_row=first, rows=min(chunk_rows, rows - first))
        for number, first in enumerate(range(0, rows, chunk_rows))
    ]


def pause(retry: int) -> float:
    """Seconds before a chunk's `retry`-th new try, from 1: 2, 4, 8 ... up to a minute."""
    return min(LONGEST_PAUSE, 2.0**retry)


def digest(items: Iterable[Item]) -> str:
    """Sum up what is judged in a chunk: 16 hexadecimal digits that change whenever one of its items does."""
    total = hashlib.blake2b(digest_size=8)
    for item in items:
        total.update(item.digest.encode())
    return total.hexdigest()


def settled(item: Item, outcome: Outcome | None, *, again: bool) -> bool:
    """Whether an item needs no more work.

    Args:
        item: As it stands in the source now.
        outcome: What the ledger has under its key.
        again: Whether failures for good are to be asked again, too.
    """
    if outcome is None or outcome.digest != item.digest:
        return False
    if isinstance(outcome, Verdict):
        return True
    return not (again or outcome.later)


def unsettled(items: Sequence[Item], known: Mapping[Key, Outcome], *, again: bool) -> list[Item]:
    """The resume filter: the items that are still to do."""
    return [item for item in items if not settled(item, known.get(item.key), again=again)]


def batched(items: Sequence[Item], *, size: int, by_row: bool) -> Iterator[Sequence[Item]]:
    """Divide items into what is judged together: `size` at a time, or what there is of each row."""
    if by_row:
        for _, row in groupby(items, key=lambda item: item.key.row):
            yield list(row)
        return
    for start in range(0, len(items), size):
        yield items[start : start + size]


@dataclass(slots=True)
class OpenChunk:
    """A chunk in work: its items by key, and what has come back so far.

    Attributes:
        chunk: As it will be saved.
        waiting: Items that have no outcome yet in this try.
        later: Items that failed in this try and may succeed later.
        tries: Tries after the first in this run.
        failed: Items that failed for good.
    """

    chunk: Chunk
    waiting: dict[Key, Item]
    later: list[Item] = field(default_factory=list)
    tries: int = 0
    failed: int = 0

    def take(self, outcome: Outcome) -> None:
        """Note the outcome of one of its items."""
        item = self.waiting.pop(outcome.key)
        if not isinstance(outcome, Failure):
            return
        self.chunk = replace(self.chunk, last_error=f"row {outcome.key.row + 1}: {outcome.reason}")
        if outcome.later:
            self.later.append(item)
        else:
            self.failed += 1

    def close(self, *, retry_limit: int) -> float | None:
        """Decide what follows when nothing is waiting any more.

        Returns:
            Seconds after which its failed items are to be tried again, or None when the chunk is over.
        """
        if self.later and self.tries < retry_limit:
            self.tries += 1
            self.waiting = {item.key: item for item in self.later}
            self.later = []
            self.chunk = replace(self.chunk, status="pending", retry_count=self.chunk.retry_count + 1)
            return pause(self.tries)
        status: ChunkStatus = "failed" if self.later else "completed"
        failed = self.failed + len(self.later)
        error = self.chunk.last_error if failed else ""
        self.chunk = replace(self.chunk, status=status, failed=failed, last_error=error)
        return None
