"""What the server has seen, in counts and hashes only; its memory has a bound."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

REMEMBERED = 1_000_000  # contents, at about 160 bytes each
REFUSED_SECONDS = 3_600  # how far back the refusals are kept second by second


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The counts of a test server since it started or was reset.

    Attributes:
        seconds: Since the first call.
        received: Calls for an answer (readable JSON), whatever became of them.
        answered: Those that got a whole 200.
        refused: Those that got 429 because of a limit.
        abandoned: Those whose client went away before the answer.
        in_flight: Calls being answered now.
        waiting: Calls waiting for their turn now.
        peak_in_flight: The most that were answered at once.
        by_status: How often each status was sent, 429 and refused accounts included.
        faults: How often each fault was met.
        distinct: Different contents (model and messages, without the nonce) received.
        repeated: Calls received for a content that had been received before.
        admitted_again: Calls let in for a content that had been let in before.
        answered_again: Whole 200s for a content that had one before.
        most_calls: Calls received for the content that was asked most often.
        tokens_in: Prompt tokens of the answered calls.
        tokens_out: Completion tokens of the answered calls.
        batches: Batches that were accepted.
        batch_lines: Questions in them.
        batch_lines_again: Questions in them that an earlier line had asked already.
        batch_answered: Questions in them that were answered.
        batch_tokens_in: Prompt tokens of those.
        batch_tokens_out: Completion tokens of those.
        batches_cancelled: Batches that were cancelled.
        files: Files held now.
        refusals: `(second, calls refused in it)`, in order, for the last hour.
    """

    seconds: float = 0.0
    received: int = 0
    answered: int = 0
    refused: int = 0
    abandoned: int = 0
    in_flight: int = 0
    waiting: int = 0
    peak_in_flight: int = 0
    by_status: dict[int, int] = field(default_factory=dict[int, int])
    faults: dict[str, int] = field(default_factory=dict[str, int])
    distinct: int = 0
    repeated: int = 0
    admitted_again: int = 0
    answered_again: int = 0
    most_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    batches: int = 0
    batch_lines: int = 0
    batch_lines_again: int = 0
    batch_answered: int = 0
    batch_tokens_in: int = 0
    batch_tokens_out: int = 0
    batches_cancelled: int = 0
    files: int = 0
    refusals: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Asked:
    """How often one content was received, let in and answered with a whole 200."""

    received: int = 0
    admitted: int = 0
    answered: int = 0


class Memory:
    """Remembers the contents seen, and forgets the longest unseen when there are too many.

    Two generations: what is touched moves to the young one; when that is full it becomes the old one, and what was
    in the old one is forgotten.
    """

    def __init__(self, *, most: int = REMEMBERED) -> None:
        self._half = max(1, most // 2)
        self._young: dict[bytes, Asked] = {}
        self._old: dict[bytes, Asked] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def touch(self, content: bytes) -> Asked:
        """Return the counts of a content, new ones where it is not remembered."""
        found = self._young.get(content)
        if found is not None:
            return found
        if len(self._young) >= self._half:
            self._young, self._old = {}, self._young
        asked = self._old.pop(content, None) or Asked()
        self._young[content] = asked
        return asked


class Tally:
    """Counts as calls come and go."""

    def __init__(self) -> None:
        self.memory = Memory()
        self._lines = Memory()
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._refusals: Counter[int] = Counter()
        self._most = 0
        self._peak = 0
        self._began: float | None = None

    def receive(self, content: bytes, *, now: float) -> Asked:
        """Count a call that came in; returns how often its content was asked, this call included."""
        if self._began is None:
            self._began = now
        asked = self.memory.touch(content)
        asked.received += 1
        self._most = max(self._most, asked.received)
        self._counts["received"] += 1
        self._counts["distinct" if asked.received == 1 else "repeated"] += 1
        return asked

    def admit(self, asked: Asked, *, in_flight: int) -> int:
        """Count a call that is let in; returns how often its content was let in before."""
        self._peak = max(self._peak, in_flight)
        self._counts["admitted_again"] += asked.admitted > 0
        asked.admitted += 1
        return asked.admitted - 1

    def refuse(self, *, now: float) -> None:
        """Count a call refused by a limit."""
        self._counts["refused"] += 1
        self._refusals[int(self._seconds(now))] += 1
        if len(self._refusals) > REFUSED_SECONDS:
            del self._refusals[min(self._refusals)]

    def answer(self, asked: Asked, *, tokens_in: int, tokens_out: int) -> None:
        """Count a whole 200."""
        self._counts["answered"] += 1
        self._counts["answered_again"] += asked.answered > 0
        asked.answered += 1
        self._counts["tokens_in"] += tokens_in
        self._counts["tokens_out"] += tokens_out

    def batch(self) -> None:
        """Count a batch that was accepted."""
        self._counts["batches"] += 1

    def line(self, content: bytes) -> int:
        """Count a question in a batch; returns how often one of its content was in a batch before."""
        asked = self._lines.touch(content)
        asked.admitted += 1
        self._counts["batch_lines"] += 1
        self._counts["batch_lines_again"] += asked.admitted > 1
        return asked.admitted - 1

    def answer_line(self, *, tokens_in: int, tokens_out: int) -> None:
        """Count a question in a batch that was answered."""
        self._counts["batch_answered"] += 1
        self._counts["batch_tokens_in"] += tokens_in
        self._counts["batch_tokens_out"] += tokens_out

    def cancel(self) -> None:
        """Count a batch that was cancelled."""
        self._counts["batches_cancelled"] += 1

    def abandon(self) -> None:
        """Count a call whose client went away."""
        self._counts["abandoned"] += 1

    def stats(self, *, now: float, in_flight: int, waiting: int, files: int = 0) -> Stats:
        """Return the counts as they are now."""
        return Stats(
            seconds=round(self._seconds(now), 3),
            in_flight=in_flight,
            waiting=waiting,
            peak_in_flight=self._peak,
            most_calls=self._most,
            files=files,
            by_status=dict(sorted(self.statuses.items())),
            faults=dict(sorted(self.faults.items())),
            refusals=tuple(sorted(self._refusals.items())),
            **self._counts,
        )

    def _seconds(self, now: float) -> float:
        return 0.0 if self._began is None else now - self._began
