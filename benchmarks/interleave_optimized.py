"""What optimized interleaving costs a request, and whether it is unbiased and best in every case.

    python benchmarks/interleave_optimized.py [--pairs 200] [--campaign 10000] [--limit 300]

Pairs of lists of ten kinds are generated, from identical over near and nested to disjoint, half of them longer than the
ranking. CPU times are of this thread: `plan` lays out and solves from nothing, `closed form` does without the search,
`draw` is a whole merge whose plan is remembered. `whole` says in how many pairs the closed form comes to the end.

`--campaign` drafts so many more pairs, of 1 to 50 items, with both credits, and stops after `--limit` seconds. It
prints the largest expected credit at any depth of any plan, counting exactly what is logged, how many pairs have no
unbiased plan of their length and are planned in parts, and what must be 0: plans that were not proved best, drafts with
too few items or one of them twice.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from typing import TYPE_CHECKING

from measuring import spread
from penstock.interleave.coins import Coins
from penstock.interleave.feed import Feed
from penstock.interleave.methods.optimized import Optimized
from penstock.interleave.methods.pair import pair_up
from penstock.interleave.methods.plan import Plan, solve

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.interleave.methods.pair import Pair
    from penstock.interleave.methods.states import Credit

CREDITS: tuple[Credit, ...] = ("inverse", "linear")
KINDS = ("identical", "near", "noisy", "shuffled", "reversed", "rotated", "overlapping", "disjoint", "nested", "uneven")


def main() -> None:
    """Print one line for each length, then what the campaign found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=200, help="for each length")
    parser.add_argument("--campaign", type=int, default=0, help="pairs")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that the campaign may take")
    given = parser.parse_args()
    print(f"{'K':>3} {'plan, ms':>24} {'p99':>7} {'closed form, ms':>22} {'whole':>7} {'draw, us':>24}")
    for k in (10, 20, 50):
        measure(k, given.pairs)
    if given.campaign:
        campaign(given.campaign, given.limit)


def measure(k: int, pairs: int) -> None:
    rng = random.Random(k)
    plans: list[float] = []
    closed: list[float] = []
    draws: list[float] = []
    complete = 0
    for number in range(pairs):
        first, second = two_lists(rng, KINDS[number % len(KINDS)], k * rng.choice((1, 4)))
        pair, *_ = pair_up(first, second, k)
        plans.append(cpu(lambda pair=pair: solve(pair)) * 1e3)
        closed.append(cpu(lambda pair=pair: solve(pair, closed_form=True)) * 1e3)
        complete += solve(pair, closed_form=True).length == len(pair.places)
        method = Optimized()
        method.plan(pair)
        draws.append(cpu(lambda m=method, a=first, b=second: m.draft([Feed(a), Feed(b)], k, Coins("seed"))) * 1e6)
    late = sorted(plans)[-1 - pairs // 100]
    times = f"{spread(plans):>24} {late:7.2f} {spread(closed):>22}"
    print(f"{k:3} {times} {complete / pairs:7.1%} {spread(draws, form='.0f'):>24}", flush=True)


class Watched(Optimized):
    """Optimized interleaving that keeps every plan it makes."""

    def __init__(self, credit: Credit) -> None:
        super().__init__(credit=credit)
        self.plans: list[Plan] = []

    def plan(self, pair: Pair) -> Plan:
        self.plans.append(super().plan(pair))
        return self.plans[-1]


def campaign(pairs: int, limit: float) -> None:
    rng = random.Random(2013)
    began = time.perf_counter()
    done: Counter[str] = Counter()
    parts = unproved = wrong = 0
    worst = 0.0
    while done.total() < pairs and time.perf_counter() - began < limit:
        kind = KINDS[done.total() % len(KINDS)]
        k = rng.choices((rng.randint(1, 12), 20, 50), weights=(90, 9, 1))[0]
        first, second = two_lists(rng, kind, rng.choice((1, k, k, 2 * k, rng.randint(1, k))))
        method = Watched(rng.choice(CREDITS))
        items = method.draft([Feed(first), Feed(second)], k, Coins(str(done.total()))).items
        worst = max(worst, *(abs(mean) for plan in method.plans for mean in plan.expected_credit()))
        parts += len(method.plans) > 1
        unproved += any(not plan.exact for plan in method.plans)
        wrong += len(items) != min(k, len({*first, *second})) or len(set(items)) != len(items)
        done[kind] += 1
    kinds = ", ".join(f"{kind} {count}" for kind, count in done.items())
    print(f"{done.total()} pairs in {time.perf_counter() - began:.0f} s: {kinds}")
    print(f"largest expected credit {worst:.1e}; in parts: {parts}; not proved best: {unproved}; wrong items: {wrong}")


def two_lists(rng: random.Random, kind: str, n: int) -> tuple[list[int], list[int]]:
    """Make two lists without duplicates, the first of n items."""
    first = list(range(n))
    turn, width = rng.randrange(n), rng.choice((1, 3, 10))
    make: dict[str, Callable[[], list[int]]] = {
        "identical": first.copy,
        "near": lambda: swapped(rng, first, rng.randint(1, 3)),
        "noisy": lambda: sorted(first, key=lambda item: item + rng.gauss(0, width)),
        "shuffled": lambda: rng.sample(first, n),
        "reversed": lambda: first[::-1],
        "rotated": lambda: first[turn:] + first[:turn],
        "overlapping": lambda: rng.sample(range(2 * n), n),
        "disjoint": lambda: [item + n for item in first],
        "nested": lambda: rng.sample(first, rng.randint(1, n)),
        "uneven": lambda: rng.sample(range(3 * n), rng.randint(0, 2 * n)),
    }
    second = make[kind]()
    return (first, second) if rng.random() < 0.5 else (second, first)


def swapped(rng: random.Random, items: list[int], swaps: int) -> list[int]:
    """Exchange items for one another, so many times."""
    items = items.copy()
    for _ in range(swaps):
        at, other = rng.randrange(len(items)), rng.randrange(len(items))
        items[at], items[other] = items[other], items[at]
    return items


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds that a call takes, the least of two."""
    times: list[float] = []
    for _ in range(2):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)


if __name__ == "__main__":
    main()
