"""What a simulation found out; nothing but values, which a page or JSON can show."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A figure with the range that it lies in; an end that is None is beyond all bounds.

    Attributes:
        value: The figure; None where nothing is known.
        low: Lower end of the range.
        high: Upper end.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What was simulated.

    Attributes:
        clicks: Name of the click model.
        clicks_meaning: One clause on how its users click.
        propensity: Shape of the gamma law of how eagerly users click, with mean 1; None where all are alike.
        loyalty: Share of a user's rankings that are about the same query, 0 (search) to 1 (one list per user).
        seeding: What the coins follow from: "user" (and the day) or "request".
        k: Items shown.
        users: Users in one run.
        rankings_per_user: Rankings that each of them sees.
        days: Days that these are spread over.
        runs: How often the experiment was run.
        seed: That all chance follows from.
        relevance: Where grades and lists come from, in words.
        queries: How many queries these have.
        rankers: Names of the two rankers; positive figures speak for the first.
        alpha: Chance of a finding where there is nothing, in tests and plans.
        power: Chance of a finding that "users needed" stands for.
    """

    clicks: str
    clicks_meaning: str
    propensity: float | None
    loyalty: float
    seeding: str
    k: int
    users: int
    rankings_per_user: int
    days: int
    runs: int
    seed: int
    relevance: str
    queries: int
    rankers: tuple[str, str]
    alpha: float
    power: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is known of the rankers because the relevance is known.

    Attributes:
        ndcg: nDCG@k of each ranker, mean over the queries.
        clicks: Clicks per ranking of each ranker where it is shown alone.
        differing: Share of the queries whose lists differ within the first k.
        overlap: Share of the items within the first k that both lists have there, mean over the queries.
    """

    ndcg: tuple[float, float]
    clicks: tuple[float, float]
    differing: float
    overlap: float

    @property
    def ndcg_difference(self) -> float:
        """How much better the first ranker is, by nDCG."""
        return self.ndcg[0] - self.ndcg[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """How well an experiment tells the rankers apart.

    Attributes:
        effect: Mean score of a user, positive for the first ranker, over all runs, with its 95 % interval.
        deviation: Standard deviation of a user's part in it.
        z_per_root_user: Effect by deviation: the z value to expect is this times the square root of the users. Users
            without clicks are counted in.
        users_needed: Users for the chance `Setup.power` of finding an effect like this, all groups together and users
            without clicks counted in; the range is from the interval of the effect.
        agrees_with_relevance: Share of the runs whose estimate has the sign of the difference in nDCG; None where there
            is no difference.
        agrees_with_clicks: The same for the difference in clicks per ranking.
        found: Share of the runs whose interval excludes 0 on the side of the ranker with the better nDCG.
        misled: The same on the other side.
    """

    effect: Range
    deviation: float | None
    z_per_root_user: float | None
    users_needed: Range
    agrees_with_relevance: float | None
    agrees_with_clicks: float | None
    found: float | None
    misled: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """What somebody who clicks at random does to a method; a fair one gives neither ranker more.

    Attributes:
        mean: Mean score of a ranking, over all queries, with its 99.9 % interval; 0 is fair.
        per_query: Typical size of the mean score of one query (root of the mean square, less what chance explains);
            0 is fair. A bias may cancel out over many queries, and not for a user whose lists stay the same.
        p_value: Chance of means per query at least this far from 0 where every query is fair.
        fair: Whether the interval covers 0 and the p value is at least 0.001.
    """

    mean: Range
    per_query: float
    p_value: float
    fair: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """What one method of interleaving would do.

    Attributes:
        method: Its name.
        credit: How clicks were counted.
        graded: Whether the size of a ranking's credit counts (True) or only its sign: win, loss or tie (False).
        bias: What somebody who clicks at random does to it.
        sensitivity: How well it tells the rankers apart under the click model.
        gain: Users that the most sensitive A/B metric needs by the users that this needs; the range is from the runs
            (the tenth and the ninetieth of a hundred). Below 1, an A/B test needs fewer. None where either has no clear
            effect, where they name different winners, and where the method is not fair: what it finds may be its bias.
    """

    method: str
    credit: str
    graded: bool
    bias: Bias
    sensitivity: Sensitivity
    gain: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class AbResult:
    """What an A/B test on the same users and click model would do.

    Attributes:
        metric: What it compares: "clicks", "clicked" or "reciprocal_rank".
        meaning: The same in words.
        reference: Whether it is the most sensitive of the metrics here, which the methods are compared with.
        sensitivity: How well it tells the rankers apart; half of the users see each.
    """

    metric: str
    meaning: str
    reference: bool
    sensitivity: Sensitivity


@dataclass(frozen=True, slots=True, kw_only=True)
class FalsePositives:
    """How often equal rankers were found to differ, at a nominal `Setup.alpha`.

    Attributes:
        method: Of interleaving.
        seeding: What the coins follow from: "user" or "request".
        runs: Experiments that were simulated.
        users: Users in each.
        rankings_per_user: Rankings that each of them sees.
        per_ranking: Share of the runs with a finding where rankings are taken for independent, which they are not.
        per_user: The same for the interval over users, looked at once.
        per_user_daily: The same for that interval, looked at every day: peeking.
        always_valid_daily: The same for the always-valid interval, looked at every day.
    """

    method: str
    seeding: str
    runs: int
    users: int
    rankings_per_user: int
    per_ranking: Range
    per_user: Range
    per_user_daily: Range
    always_valid_daily: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationResult:
    """All that one simulation found out.

    Attributes:
        setup: What was simulated.
        truth: What is known of the rankers.
        methods: What each method would do.
        ab_tests: What an A/B test would do, by metric.
        false_positives: What happens to equal rankers; empty where it was not asked for.
    """

    setup: Setup
    truth: Truth
    methods: tuple[MethodResult, ...]
    ab_tests: tuple[AbResult, ...]
    false_positives: tuple[FalsePositives, ...] = ()
