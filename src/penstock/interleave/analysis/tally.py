"""Counts a log as it is read: little is kept of a ranking, and more only of those that were clicked.

What is known only when all pages are read (a click may be on the second page, and a second page may fall back) waits
until then: `Tally.rankings` and `Tally.clicked` are read after the last page.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from math import floor, log
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from penstock.interleave.analysis.clicks import shown_as
from penstock.interleave.analysis.credit import Shown, is_common
from penstock.interleave.analysis.logs import word
from penstock.interleave.settings import INTERLEAVE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from penstock.interleave.analysis.clicks import Click, Clicks
    from penstock.interleave.analysis.logs import Page

BUCKETS = 10_000
POSITIONS = 20
"""Positions that the balance of the rankers is watched at."""

LATE = 24 * 3600.0
"""Seconds after which a click is late."""

EARLY = 5.0
"""Seconds that a click may seem to come before its ranking, for clocks differ."""

Group: TypeAlias = tuple[str, str, tuple[str, ...]]
"""An experiment, a method, and the rankers in their order."""

Fate: TypeAlias = tuple[str, str]
"""What became of a ranking, a field of `LeftOut` or "competitive", and the detail: a ranker's name, a reason."""

_WEIGHT = {
    "not_competitive": 0,
    "competitive": 1,
    "other_time": 2,
    "other_experiment": 3,
    "excluded_user": 4,
    "no_user": 5,
    "served_alone": 6,
    "fallback": 7,
}
"""Of two pages of a ranking with different fates, the heavier one decides."""


@dataclass(slots=True)
class Clicked:
    """A ranking that was clicked.

    Attributes:
        clicks: The clicks on it that were not found on a page so far.
        time: Of its earliest page, seconds since 1970.
        group: Experiment, method and rankers; None while no page of it was interleaved.
        user: Index of the user.
        contest: First position at which the rankers differ.
        shown: The clicked items.
    """

    clicks: list[Click]
    time: float
    group: Group | None = None
    user: int = -1
    contest: int = 1 << 30
    shown: list[Shown] = field(default_factory=list[Shown])


class Durations:
    """Percentiles of milliseconds, to 1 %, in little memory."""

    def __init__(self) -> None:
        self._steps: Counter[int] = Counter()

    def take(self, ms: float) -> None:
        """Take one."""
        self._steps[floor(log(max(ms, 1e-3)) / _STEP)] += 1

    @property
    def count(self) -> int:
        """How many were taken."""
        return self._steps.total()

    def percentile(self, share: float) -> float:
        """Give the duration that `share` of all are not above."""
        wanted = share * self.count
        reached = 0
        for step in sorted(self._steps):
            reached += self._steps[step]
            if reached >= wanted:
                return float(np.exp((step + 0.5) * _STEP))
        return 0.0


_STEP = log(1.01)


class Balance:
    """Who filled each position, by user; for one group."""

    def __init__(self, rankers: int) -> None:
        self._counts = np.zeros((rankers, 64, POSITIONS), dtype=np.int32)

    def take(self, user: int, places: Sequence[tuple[int, int]]) -> None:
        """Take the (position, source) of a page."""
        if user >= self._counts.shape[1]:
            grown = np.zeros((self._counts.shape[0], 2 * user, POSITIONS), dtype=np.int32)
            grown[:, : self._counts.shape[1]] = self._counts
            self._counts = grown
        for position, source in places:
            if 1 <= position <= POSITIONS:
                self._counts[source, user, position - 1] += 1

    def of(self, ranker: int) -> NDArray[np.int32]:
        """Items of a ranker by user and position, shape (n_users or more, POSITIONS)."""
        counts: NDArray[np.int32] = self._counts[ranker]
        return counts


class Buckets:
    """In which buckets the users of an experiment are, each user once."""

    def __init__(self) -> None:
        self.users = np.zeros(BUCKETS, dtype=np.int64)
        self.top = -1  # highest bucket that was interleaved
        self.outside = 0  # users seen first while they were not in the sample
        self._seen: set[str] = set()

    def take(self, user: str, bucket: int, *, inside: bool) -> None:
        """Take a user of an experiment that is set to interleave."""
        if inside:
            self.top = max(self.top, bucket)
        if user not in self._seen:
            self._seen.add(user)
            self.users[bucket] += 1
            self.outside += not inside


class Tally:
    """Takes pages one by one, in any order; the first line of a page counts, and a repeated one does not.

    Args:
        clicks: All clicks.
        experiment: The only experiment that counts; None for all.
        since: Earliest time that counts, seconds since 1970.
        until: Time from which on nothing counts.
        left_out: Users that do not count.
    """

    def __init__(
        self,
        clicks: Clicks,
        *,
        experiment: str | None = None,
        since: float = float("-inf"),
        until: float = float("inf"),
        left_out: Collection[str] = frozenset(),
    ) -> None:
        self._clicks = clicks
        self._experiment = experiment
        self._since, self._until = since, until
        self._left_out = left_out
        self._index: dict[str, int] = {}
        self._offsets = array("q")  # the first offset seen of each ranking
        self._more: dict[int, set[int]] = {}  # further ones
        self._fates = array("H")
        self._fate_codes: dict[Fate, int] = {}
        self._users: dict[str, int] = {}
        self.clicked: dict[str, Clicked] = {}
        self._group_names: dict[Group, Group] = {}  # so that all rankings of a group share one
        self.groups: dict[Group, Balance] = {}
        self.buckets: dict[str, Buckets] = {}
        self.durations: dict[tuple[str, str], Durations] = {}
        self.settings: Counter[str] = Counter()
        self.pages = self.duplicates = 0
        self.intended = self.fallbacks = 0  # pages set to interleave, and those of them that fell back
        self.timed = self.early = self.late = 0  # clicks with a time, and those that do not fit their ranking's
        self.first, self.last = float("inf"), float("-inf")  # seconds since 1970

    def take(self, page: Page, time: float) -> None:
        """Take one page and its time in seconds since 1970."""
        number = self._index.setdefault(page.ranking_id, len(self._fates))
        if self._is_repeated(number, page.offset):
            self.duplicates += 1
            return
        self.pages += 1
        fate = self._fate(page, time)
        self._settle(number, fate)
        ranking = self._clicked_ranking(page.ranking_id, time)
        if ranking is not None:
            self._click(ranking, page, time)
        if fate[0] not in {"other_time", "other_experiment"}:
            self._observe(page, time)
            if fate[0] == "competitive":
                self._balance(page)

    def rankings(self) -> Counter[Fate]:
        """Count the rankings by what became of them."""
        names = {code: fate for fate, code in self._fate_codes.items()}
        return Counter({names[code]: count for code, count in Counter(self._fates).items()})

    def fate_of(self, ranking_id: str) -> str:
        """Say what became of a ranking; empty where it is not in the log."""
        number = self._index.get(ranking_id)
        if number is None:
            return ""
        return list(self._fate_codes)[self._fates[number]][0]

    def _is_repeated(self, number: int, offset: int) -> bool:
        if number == len(self._fates):
            self._offsets.append(offset)
            return False
        if self._offsets[number] == offset or offset in self._more.setdefault(number, set()):
            return True
        self._more[number].add(offset)
        return False

    def _fate(self, page: Page, time: float) -> Fate:
        if self._experiment is not None and page.experiment != self._experiment:
            return "other_experiment", ""
        if not self._since <= time < self._until:
            return "other_time", ""
        if not page.merged:
            return ("served_alone", page.mode) if page.fallback_reason is None else ("fallback", page.fallback_reason)
        if page.user is None:
            return "no_user", ""
        if str(page.user) in self._left_out:
            return "excluded_user", ""
        return ("not_competitive" if page.competitive is False else "competitive"), ""

    def _settle(self, number: int, fate: Fate) -> None:
        code = self._fate_codes.setdefault(fate, len(self._fate_codes))
        if number == len(self._fates):
            self._fates.append(code)
            return
        before = list(self._fate_codes)[self._fates[number]]
        if _WEIGHT[fate[0]] > _WEIGHT[before[0]]:
            self._fates[number] = code

    def _clicked_ranking(self, ranking_id: str, time: float) -> Clicked | None:
        clicks = self._clicks.take(ranking_id)
        if clicks is not None:
            self.clicked[ranking_id] = Clicked(clicks, time)
        return self.clicked.get(ranking_id)

    def _click(self, ranking: Clicked, page: Page, time: float) -> None:
        """Find the clicks on a page, and remember what they were on."""
        ranking.time = min(ranking.time, time)
        if page.merged and page.user is not None:
            ranking.group = self._group(page)
            ranking.user = self._user(page)
        items = {word(item.item_id): item for item in page.items}
        for item in page.items if page.merged else ():
            if item.position < ranking.contest and not is_common(item.position, item.ranks):
                ranking.contest = item.position
        for click in list(ranking.clicks):
            found = shown_as(click.item, items)
            if found is not None:
                ranking.clicks.remove(click)
                item = items[found]
                source = page.rankers.index(item.source_ranker) if page.merged else -1
                ranking.shown.append(Shown(item.position, source, item.ranks, item.credit))
                self._time(click, time)

    def _time(self, click: Click, shown: float) -> None:
        if click.time is not None:
            self.timed += 1
            self.early += click.time < shown - EARLY
            self.late += click.time > shown + LATE

    def _observe(self, page: Page, time: float) -> None:
        """Note what the checks and the table of durations need."""
        self.first, self.last = min(self.first, time), max(self.last, time)
        self.settings[page.settings] += 1
        mode = "fallback" if page.fallback_reason is not None else page.mode
        for part, ms in page.ms.items():
            self.durations.setdefault((mode, part), Durations()).take(ms)
        if page.intended != INTERLEAVE:
            return
        inside = page.merged or page.fallback_reason is not None
        self.intended += inside
        self.fallbacks += page.fallback_reason is not None
        if page.user is not None and page.bucket is not None and 0 <= page.bucket < BUCKETS:
            buckets = self.buckets.setdefault(page.experiment, Buckets())
            buckets.take(str(page.user), page.bucket, inside=inside)

    def _balance(self, page: Page) -> None:
        group = self._group(page)
        balance = self.groups.get(group)
        if balance is None:
            balance = self.groups[group] = Balance(len(page.rankers))
        places = [(item.position, page.rankers.index(item.source_ranker)) for item in page.items]
        balance.take(self._user(page), places)

    def _user(self, page: Page) -> int:
        return self._users.setdefault(f"{page.experiment}\0{page.user}", len(self._users))

    def _group(self, page: Page) -> Group:
        group = page.experiment, page.method or "", page.rankers
        return self._group_names.setdefault(group, group)
