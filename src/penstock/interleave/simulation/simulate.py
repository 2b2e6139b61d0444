"""The front door of the simulator: what would each method find, and with how many users?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from penstock.errors import InputError
from penstock.interleave.methods import METHODS
from penstock.interleave.simulation.bias import bias
from penstock.interleave.simulation.experiment import METRICS, both_alone, interleaved
from penstock.interleave.simulation.false_positives import false_positives
from penstock.interleave.simulation.pool import MOST_PLACES, draft_pool, heads
from penstock.interleave.simulation.population import Population
from penstock.interleave.simulation.result import AbResult, MethodResult, Setup, SimulationResult, Truth
from penstock.interleave.simulation.sensitivity import NOTHING, Plan, gain, of_ab_tests, of_interleaving, sensitivity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from penstock.interleave.simulation.clicks import ClickModel, Floats
    from penstock.interleave.simulation.pool import Pool
    from penstock.interleave.simulation.rankers import Lists
    from penstock.interleave.simulation.result import FalsePositives, Sensitivity
    from penstock.interleave.simulation.sensitivity import Runs

# Streams of chance that have nothing to do with each other, all from one seed.
_ALONE, _INTERLEAVED, _RANDOM, _EQUAL = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What is simulated; `run` does it.

    Attributes:
        lists: The queries, with two rankings each.
        model: How users click.
        population: The users.
        methods: Names of the methods.
        k: Items shown.
        drafts: Drafts of each query that are made beforehand; more make all figures finer.
        runs: Times that every experiment is run.
        equal_runs: Runs with equal rankers for each method, to count false positives; 0 for none.
        plan: What tests promise.
        seed: That all chance follows from.
    """

    lists: Lists
    model: ClickModel
    population: Population = field(default_factory=Population)
    methods: Sequence[str] = METHODS
    k: int = 10
    drafts: int = 200
    runs: int = 20
    equal_runs: int = 0
    plan: Plan = field(default_factory=Plan)
    seed: int = 1

    def __post_init__(self) -> None:
        if self.runs < 1 or self.equal_runs < 0 or not self.methods or self.seed < 0:
            raise InputError("A simulation has 1 run and 1 method at least, and a seed of 0 or more.")
        if self.population.users * self.population.rankings_per_user * self.k > MOST_PLACES:
            raise InputError(f"One run may show {MOST_PLACES:,} items at most: take fewer users, and more runs.")

    def run(self) -> SimulationResult:
        """Simulate it all.

        Raises:
            InputError: A method is unknown, there is nothing to show, or too much.
        """
        alone = self._alone()
        tests = {metric: of_ab_tests([means[metric] for means in alone], self.plan) for metric in METRICS}
        reference = max(tests, key=lambda metric: abs(tests[metric].pooled.z or 0.0))
        truth = self._truth(np.concatenate([means["clicks"] for means in alone]))
        return SimulationResult(
            setup=self._setup(),
            truth=truth,
            methods=tuple(self._method(number, tests[reference], truth) for number in range(len(self.methods))),
            ab_tests=tuple(
                AbResult(
                    metric=metric,
                    meaning=METRICS[metric],
                    reference=metric == reference,
                    sensitivity=self._sensitivity(runs, truth),
                )
                for metric, runs in tests.items()
            ),
            false_positives=tuple(self._equal(number) for number in range(len(self.methods)) if self.equal_runs),
        )

    def _alone(self) -> list[dict[str, Floats]]:
        shown = (self.lists.shown(0, self.k), self.lists.shown(1, self.k))
        return [both_alone(shown, self.population, self.model, self._chance(_ALONE, run)) for run in range(self.runs)]

    def _truth(self, clicks: Floats) -> Truth:
        pairs = [heads(self.lists, query, self.k) for query in range(len(self.lists))]
        return Truth(
            ndcg=(float(self.lists.ndcg(0, self.k).mean()), float(self.lists.ndcg(1, self.k).mean())),
            clicks=(float(clicks[:, 0].mean()), float(clicks[:, 1].mean())),
            differing=float(np.mean([not np.array_equal(first, second) for first, second in pairs])),
            overlap=float(np.mean([len(np.intersect1d(first, second)) / len(first) for first, second in pairs])),
        )

    def _method(self, number: int, reference: Runs, truth: Truth) -> MethodResult:
        pool = self._pool(number)
        runs = of_interleaving(
            [
                interleaved(pool, self.population, self.model, self._chance(_INTERLEAVED, number, run))
                for run in range(self.runs)
            ],
            self.plan,
        )
        fairness = bias(pool, self._chance(_RANDOM, number))
        return MethodResult(
            method=pool.method,
            credit=pool.credit.name,
            graded=pool.credit.graded,
            bias=fairness,
            sensitivity=self._sensitivity(runs, truth),
            gain=gain(runs, reference, self.plan) if fairness.fair else NOTHING,
        )

    def _equal(self, number: int) -> FalsePositives:
        pool = self._pool(number)
        seeds = (self.seed, _EQUAL, number)
        return false_positives(pool, self.population, self.model, self.plan, runs=self.equal_runs, seeds=seeds)

    def _pool(self, number: int) -> Pool:
        seed = f"simulation:{self.seed}"
        return draft_pool(self.lists, self.methods[number], k=self.k, drafts=self.drafts, seed=seed)

    def _sensitivity(self, runs: Runs, truth: Truth) -> Sensitivity:
        return sensitivity(runs, self.plan, relevance=truth.ndcg_difference, clicks=truth.clicks[0] - truth.clicks[1])

    def _setup(self) -> Setup:
        people = self.population
        return Setup(
            clicks=self.model.name,
            clicks_meaning=self.model.meaning,
            propensity=people.propensity,
            loyalty=people.loyalty,
            seeding=people.seeding,
            k=self.k,
            users=people.users,
            rankings_per_user=people.rankings_per_user,
            days=people.days,
            runs=self.runs,
            seed=self.seed,
            relevance=self.lists.words,
            queries=len(self.lists),
            rankers=self.lists.rankers,
            alpha=self.plan.alpha,
            power=self.plan.power,
        )

    def _chance(self, *stream: int) -> Generator:
        return np.random.default_rng([self.seed, *stream])
