"""What the analysis of an experiment found: everything that the page, the printed words and the JSON say.

Shares and preferences are fractions (0.02, not 2 %); a preference is positive where the first ranker, `a`, is
preferred, and on the scale from -1 to 1 where outcomes are counted. What the data cannot tell is None. Dates and times
are UTC, as in the log.
"""

from __future__ import annotations

from dataclasses import dataclass

from penstock.interleave.analysis.preference import Preference  # noqa: TC001 - a report can be read by its type

SCHEMA = "penstock.interleave.report/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """What was read from the log.

    Attributes:
        files: Files read.
        lines: Lines, or rows, in them.
        rankings: Different rankings logged, of all experiments and modes.
        pages: Lines that are a page of a ranking.
        duplicates: Lines that repeat a page; the first one counts.
        foreign: Lines of something else, which a log may hold.
        broken: Lines that say they are of this log and cannot be read.
        first_broken: What is wrong with the first of them, and where; empty without one.
        first_time: Time of the earliest ranking that the report is about, as in the log; empty without one.
        last_time: Time of the latest.
    """

    files: int
    lines: int
    rankings: int
    pages: int
    duplicates: int
    foreign: int
    broken: int
    first_broken: str
    first_time: str
    last_time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickFacts:
    """What became of the clicks.

    Attributes:
        lines: Lines, or rows, in the files.
        broken: Lines without a ranking or an item.
        first_broken: What is wrong with the first of them, and where; empty without one.
        repeated: Further clicks on the same item of the same ranking; one counts.
        counted: Clicks that a comparison counts.
        elsewhere: Clicks on logged rankings that are left out (fallbacks, served alone, other experiments or times).
        unknown_ranking: Clicks on rankings that are not in the log.
        unknown_item: Clicks on items that their ranking did not show.
    """

    lines: int
    broken: int
    first_broken: str
    repeated: int
    counted: int
    elsewhere: int
    unknown_ranking: int
    unknown_item: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Rankings in the log that no comparison counts, by reason; each is counted once.

    Attributes:
        other_experiment: Not the experiment that was asked for.
        other_time: Before `since` or not before `until`.
        excluded_user: Of users who were to be left out.
        served_alone: Served by one ranker on purpose, by its name: the setting, or users outside the sample.
        fallback: Served by one ranker because the other failed, by reason as logged. Slow requests are not like
            others: counting them would favour the faster ranker.
        no_user: Interleaved without a user: nobody to count them for.
        not_competitive: Interleaved where both lists were the same.
        without_clicks: Interleaved and competitive, not clicked.
    """

    other_experiment: int
    other_time: int
    excluded_user: int
    served_alone: dict[str, int]
    fallback: dict[str, int]
    no_user: int
    not_competitive: int
    without_clicks: int

    @property
    def total(self) -> int:
        """All of them."""
        single = self.other_experiment + self.other_time + self.excluded_user
        single += self.no_user + self.not_competitive + self.without_clicks
        return single + sum(self.served_alone.values()) + sum(self.fallback.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The always-valid interval after some of the rankings, for a plot.

    Attributes:
        time: Of the last of those rankings, as in the log.
        users: Users so far.
        rankings: Rankings so far.
        estimate: Preference per ranking.
        low: Lower end; None where nothing is known yet.
        high: Upper end; None where nothing is known yet.
    """

    time: str
    users: int
    rankings: int
    estimate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlwaysValid:
    """What may be said although one has looked before (`ConfidenceSequence`): every ranking has the same weight.

    Attributes:
        planned: Rankings with a winner that the boundary is tightest at.
        confidence: That all intervals together hold.
        estimate: Preference per ranking now.
        low: Lower end now; None where nothing is known.
        high: Upper end now; None where nothing is known.
        e_value: Evidence against no preference, the largest so far.
        decided: Whether an interval so far has excluded 0: the experiment may stop.
        winner: The ranker that it was decided for; None before that.
        decided_time: Time of the ranking that decided it, as in the log; empty before that.
        decided_users: Users at that time; None before that.
        trajectory: At most some 200 points in the order of time, the last one being now.
    """

    planned: float
    confidence: float
    estimate: float | None
    low: float | None
    high: float | None
    e_value: float
    decided: bool
    winner: str | None
    decided_time: str
    decided_users: int | None
    trajectory: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of a comparison.

    Attributes:
        date: ISO date.
        rankings: Rankings counted.
        users: Users they belong to.
        wins: Rankings that the first ranker won.
        losses: Rankings that the second ranker won.
        ties: The others.
        estimate: Mean score of that day's rankings.
    """

    date: str
    rankings: int
    users: int
    wins: int
    losses: int
    ties: int
    estimate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How often each ranker filled a position, in competitive rankings with or without clicks.

    Attributes:
        position: Counted from 1.
        first: Items there from the first ranker.
        second: Items there from the second ranker.
        share: Of the first ranker; 1/2 is expected of a team draft.
        low: Lower end of where a fair coin keeps all positions in 999 of 1,000 experiments; None with one user.
        high: Upper end.
    """

    position: int
    first: int
    second: int
    share: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Users that an effect takes.

    Attributes:
        effect: A preference, in the units of the estimate.
        users: To find it with 80 % power at the 5 % level; None where no deviation is known.
    """

    effect: float
    users: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Power and sample size, from the users seen so far.

    Attributes:
        deviation: Standard deviation of a user's score; None with fewer than two users.
        detectable: Smallest preference that so many users show with 80 % power at the 5 % level.
        needs: Users for preferences of 1 %, 2 % and 5 %, and for the one seen.
    """

    deviation: float | None
    detectable: float | None
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two rankers under one method in one experiment.

    Attributes:
        experiment: Its name in the log.
        method: How the rankings were drafted.
        credit: How clicks are counted.
        credit_meaning: The same in a clause for people; may be empty.
        graded: Whether scores are sums of credit; else they are outcomes, 1, 0 or -1.
        a: The first ranker.
        b: The second ranker.
        users: Users with rankings that count.
        rankings: Rankings that count: interleaved, competitive, clicked.
        wins: Those that `a` won.
        losses: Those that `b` won.
        ties: The others.
        by_user: The headline: every user has one vote, the mean score of their rankings.
        by_ranking: Every ranking has one vote; the interval still knows whose they are.
        chapelle: (wins + ties / 2) / rankings - 1/2 (Chapelle et al. 2012); None without rankings.
        always_valid: What may be said although one has looked before.
        days: By day, in order.
        positions: By position, in order.
        planning: Users needed.
        verdict: All of it in a sentence or two.
    """

    experiment: str
    method: str
    credit: str
    credit_meaning: str
    graded: bool
    a: str
    b: str
    users: int
    rankings: int
    wins: int
    losses: int
    ties: int
    by_user: Preference
    by_ranking: Preference
    chapelle: float | None
    always_valid: AlwaysValid
    days: tuple[Day, ...]
    positions: tuple[Position, ...]
    planning: Planning
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A reason to trust the result, or not to.

    Attributes:
        name: `comparable`, `first_pick`, `position_balance`, `sample_ratio`, `duplicates`, `click_join`, `late_clicks`,
            `fallback_share`, `broken_lines` or `a_a`.
        subject: The comparison it is about, as words; empty where it is about all of the log.
        ok: Whether it passed.
        figure: What was measured (a share, or a p value where `figure_is` says so); None where there is nothing to
            measure, which passes.
        figure_is: `share` or `p`.
        sentence: What was seen, and what it means where it failed.
    """

    name: str
    subject: str
    ok: bool
    figure: float | None
    figure_is: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long something took, in milliseconds.

    Attributes:
        mode: `INTERLEAVE`, a ranker's name where it was served alone, or `fallback`.
        part: What took it, as logged: a ranker's name, `merge` or `total`.
        requests: How many were timed.
        p50: Median, to about 1 %, like the others.
        p90: 90th percentile.
        p99: 99th percentile.
    """

    mode: str
    part: str
    requests: int
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that was found in a log and its clicks.

    Attributes:
        schema: Version of this form.
        ok: Whether every check passed.
        comparisons: One for each experiment, method and pair of rankers, in the order of their rankings.
        checks: All checks, failed ones first.
        log: What was read from the log.
        clicks: What became of the clicks.
        left_out: Rankings that no comparison counts.
        latency: By mode and part.
        settings: Rankings by the state of the settings they were made under: fresh, stale, baseline.
        confidence: Of all intervals.
    """

    schema: str
    ok: bool
    comparisons: tuple[Comparison, ...]
    checks: tuple[Check, ...]
    log: LogFacts
    clicks: ClickFacts
    left_out: LeftOut
    latency: tuple[Latency, ...]
    settings: dict[str, int]
    confidence: float

    @property
    def compared(self) -> int:
        """Rankings that a comparison counts; one of more than two rankers counts in several, and here once."""
        return self.log.rankings - self.left_out.total
