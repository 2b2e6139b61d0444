"""Whether the statistics of interleaving keep what they promise, on simulated users.

    python benchmarks/interleave_campaign.py [--runs 1000] [--only equal,worse,users] [--methods team_draft_v1]

Prints three campaigns:

- equal: rankers that are equal for the population but not for each user (400 users, 20 rankings each). Findings in
  100 experiments, for coins by user and by request: rankings taken for independent, interval over users, the same
  looked at on 14 days, always-valid boundary looked at on 14 days. 5 are promised.
- worse: rankers made worse on purpose. A pilot says how many users it takes to find them; the share of experiments of
  that size that do.
- users: users that interleaving needs and that an A/B test on its most sensitive metric needs: their ratio, median
  [min, max] over made-up queries. Below 1 an A/B test needs fewer.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from measuring import spread
from penstock.interleave.methods import METHODS
from penstock.interleave.simulation import Population, Ranker, Simulation, click_model, generated, rank
from penstock.interleave.simulation.experiment import interleaved
from penstock.interleave.simulation.false_positives import false_positives, share
from penstock.interleave.simulation.pool import draft_pool
from penstock.interleave.simulation.result import Range
from penstock.interleave.simulation.sensitivity import Plan, of_interleaving, users_needed

if TYPE_CHECKING:
    from penstock.interleave.simulation.rankers import Lists

PLAN = Plan()
HOME_PAGE = Population(users=400, rankings_per_user=20, loyalty=1.0, propensity=None)


def made_up(first: str, second: str, *, seed: int, queries: int = 200, overlap: float = 0.5) -> Lists:
    rng = np.random.default_rng(seed)
    return rank(generated(queries, 50, rng), Ranker.of(first), Ranker.of(second), k=10, overlap=overlap, rng=rng)


def equal(methods: list[str], runs: int) -> None:
    print(f"\nequal rankers: findings in 100 of {runs:,} experiments, 400 users, 20 rankings each, 14 days")
    print(f"{'':32}{'per ranking':>20}{'per user':>20}{'per user, daily':>20}{'always valid, daily':>20}")
    lists = made_up("noise:1.5", "noise:1.5", seed=1)
    for method in methods:
        pool = draft_pool(lists, method, k=10, drafts=50, seed="campaign")
        for seeding in ("user", "request"):
            people = replace(HOME_PAGE, seeding=seeding)
            found = false_positives(pool, people, click_model("perfect"), PLAN, runs=runs, seeds=(1,))
            tests = (found.per_ranking, found.per_user, found.per_user_daily, found.always_valid_daily)
            print(f"{method + ', coins by ' + seeding:32}" + "".join(f"{percent(test):>20}" for test in tests))


def worse(methods: list[str], runs: int) -> None:
    print(f"\nworse on purpose: share of {runs:,} experiments of the planned size that find it")
    print(f"{'':32}{'effect in the pilot':>28}{'users':>10}{'found':>20}{'careful':>10}{'found':>20}")
    for second in ("pinned", "shuffled:5", "swapped:3"):
        lists = made_up("noise:0.5", second, seed=2)
        for method in methods:
            pool = draft_pool(lists, method, k=10, drafts=100, seed="campaign")
            pilot = of_interleaving([interleaved(pool, Population(users=20_000), click_model("pbm"), chance(0))], PLAN)
            needed = users_needed(pilot.pooled, PLAN)
            effect = pilot.pooled.effect
            line = f"{method + ', ' + second:32}" + f"{effect.value:+9.4f} [{effect.low:+.4f}, {effect.high:+.4f}]"
            if needed.value is None or needed.high is None:
                print(f"{line}   none to be seen")
                continue
            for users in (needed.value, needed.high):  # for the effect in the pilot; for the least it may have been
                line += f"{users:>10,.0f}{percent(found(pool, int(users), runs)):>20}"
            print(line, flush=True)


def found(pool, users: int, runs: int) -> Range:
    """Share of experiments with a finding for the first ranker."""
    if users > 40_000:  # more would take minutes
        return Range(value=None, low=None, high=None)
    people, model = Population(users=users), click_model("pbm")
    runs = max(50, min(runs, 4_000_000 // users))
    each = of_interleaving([interleaved(pool, people, model, chance(1, run)) for run in range(runs)], PLAN).each
    return share(sum(run.side > 0 for run in each), runs)


def users(methods: list[str], seeds: int) -> None:
    print(f"\nusers of an A/B test by users of interleaving, median [min, max] over {seeds} sets of made-up queries")
    print(f"{'':44}" + "".join(f"{method:>28}" for method in methods))
    for clicks in ("pbm", "perfect", "navigational", "informational"):
        for words, people in PEOPLE.items():
            gains: dict[str, list[float]] = {method: [] for method in methods}
            for seed in range(seeds):
                lists = made_up("noise:0.5", "noise:0.7", seed=10 + seed, queries=100)
                simulation = Simulation(
                    lists=lists, model=click_model(clicks), population=people, methods=methods, drafts=100, runs=10
                )
                for row in simulation.run().methods:
                    if row.gain.value is not None:
                        gains[row.method].append(row.gain.value)
            cells = (spread(each, form=".1f") + f" /{len(each)}" if each else "-" for each in gains.values())
            print(f"{clicks + ', ' + words:44}" + "".join(f"{cell:>28}" for cell in cells), flush=True)
    print("/n: sets where both have a clear effect of the same sign; the others say nothing about users")


PEOPLE = {
    "1 ranking, all alike": Population(users=10_000, rankings_per_user=1, propensity=None),
    "10 rankings, all alike": Population(users=2000, propensity=None),
    "10 rankings, unequal users": Population(users=2000, propensity=0.5),
    "20, very unequal, own list": Population(users=2000, rankings_per_user=20, propensity=0.25, loyalty=1.0),
}


def chance(*stream: int) -> np.random.Generator:
    return np.random.default_rng([1, *stream])


def percent(value: Range) -> str:
    if value.value is None or value.low is None or value.high is None:
        return "too many"
    return f"{100 * value.value:.1f} [{100 * value.low:.1f}, {100 * value.high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="equal,worse,users")
    parser.add_argument("--methods", default=",".join(METHODS))
    given = parser.parse_args()
    methods = given.methods.split(",")
    campaigns = {
        "equal": lambda: equal(methods, given.runs),
        "worse": lambda: worse(methods, given.runs),
        "users": lambda: users(methods, given.seeds),
    }
    for name in given.only.split(","):
        began = time.perf_counter()
        campaigns[name]()
        print(f"({name}: {time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
