"""How long a ranker that hangs holds a response up, and what is left of it for the requests after.

    python benchmarks/interleave_deadline.py [--requests 60] [--rounds 10] [--deadline 0.05]

over: milliseconds from the deadline to the response, when a ranker hangs for good: the second one, the baseline, or the
second one's stream after its third item. Each hung call is let go after its response, so that none is stuck.
after: milliseconds of one request, median [least, most] of the rounds: the first one, while both rankers answer at
once; each of a hundred during which the second one hangs, those that wait for the deadline and those that find it
stuck; the next one after them; and one more when all hung calls have returned. `threads` are those of rankers.
"""

from __future__ import annotations

import argparse
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from measuring import spread
from penstock.interleave import Experiment

if TYPE_CHECKING:
    from collections.abc import Iterator

ITEMS = list(range(100))
EVERYBODY = {"mode": "INTERLEAVE", "sampling_rate": 1}
HANGS = 100


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=60, help="of each kind")
    parser.add_argument("--rounds", type=int, default=10, help="of a hundred hung calls")
    parser.add_argument("--deadline", type=float, default=0.05, help="seconds")
    given = parser.parse_args()
    logging.getLogger("penstock").setLevel(logging.CRITICAL)
    over(given.requests, given.deadline)
    after(given.rounds, given.deadline)


class Hung:
    """A ranker that answers at once, or hangs until it is let go.

    Attributes:
        hangs: Whether it hangs.
        stream: Whether it hangs only after three items.
    """

    def __init__(self, *, hangs: bool = True, stream: bool = False) -> None:
        self.hangs = hangs
        self.stream = stream
        self._go = threading.Event()

    def __call__(self, _context: Any) -> Any:
        if self.stream:
            return self._items(self._go)
        if self.hangs:
            self._go.wait(120)
        return ITEMS

    def _items(self, go: threading.Event) -> Iterator[int]:
        yield from (200, 201, 202)
        go.wait(120)

    def let_go(self) -> None:
        self._go.set()
        self._go = threading.Event()


def answers(_context: Any) -> list[int]:
    return ITEMS


def experiment(first: Any, second: Any, deadline: float) -> Experiment:
    rankers = {"A": first, "B": second}
    return Experiment("home", rankers, settings=EVERYBODY, deadline=deadline, log=lambda record: record.line() and None)


def ask(trial: Experiment) -> tuple[float, str | None]:
    """Milliseconds of a request, and which ranker was lost in it."""
    began = time.perf_counter()
    served = trial.rank(user_id="ann", k=10)
    return (time.perf_counter() - began) * 1e3, served.record.fallback_reason


def over(requests: int, deadline: float) -> None:
    """Print by how much responses miss the deadline."""
    print(f"ms over a deadline of {deadline * 1e3:.0f} ms, of {requests} requests {'p50':>12} {'p90':>8} {'most':>8}")
    for name, lost in (("the second ranker", "B"), ("the baseline", "A"), ("the second one's stream", "B")):
        hung = Hung(stream="stream" in name)
        trial = experiment(*((hung, answers) if lost == "A" else (answers, hung)), deadline)
        spent = []
        for _ in range(requests):
            milliseconds, reason = ask(trial)
            if reason != f"{lost}:late":
                raise SystemExit(f"ranker {lost} should have been late, but the record says {reason}")
            spent.append(milliseconds - deadline * 1e3)
            hung.let_go()
        spent.sort()
        print(f"  {name:44}  {spent[len(spent) // 2]:12.2f} {spent[len(spent) * 9 // 10]:8.2f} {spent[-1]:8.2f}")
    print()


def after(rounds: int, deadline: float) -> None:
    """Print what requests take before, during and after a hundred hung calls."""
    found: dict[str, list[float]] = {}
    most = 0
    for _ in range(rounds):
        hung = Hung(hangs=False)
        trial = experiment(answers, hung, deadline)
        ask(trial)  # reads the settings and starts the threads
        found.setdefault("the first", []).append(ask(trial)[0])
        hung.hangs = True
        for _ in range(HANGS):
            milliseconds, reason = ask(trial)
            found.setdefault(f"during, {reason}", []).append(milliseconds)
        most = max(most, sum(thread.name == "penstock-ranker" for thread in threading.enumerate()))
        found.setdefault("the next", []).append(ask(trial)[0])
        hung.hangs = False
        hung.let_go()
        found.setdefault("after recovery", []).append(recovered(trial))
    print(f"ms of a request around {HANGS} hung calls, {rounds} rounds; threads at the most: {most}")
    for name, values in found.items():
        print(f"  {name:20} {spread(values):>24} {len(values):>6} requests")


def recovered(trial: Experiment) -> float:
    """Milliseconds of the first request that both rankers serve again."""
    for _ in range(10_000):
        milliseconds, reason = ask(trial)
        if reason is None:
            return milliseconds
        time.sleep(0.001)
    raise SystemExit("the ranker was not asked again")


if __name__ == "__main__":
    main()
