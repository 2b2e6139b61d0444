"""The settings of this moment, in memory: read by every request, refreshed once per time to live.

One request at a time refreshes what is overdue, and waits for it; all others are served what is held. What cannot be
refreshed is served on as `stale` for a while, and after that the baseline: the first ranker for everybody. While a
source fails it is asked less and less often, but at least once per time to live, so that a switch outside is seen
within one time to live of the source's recovery.

One exception to "taken whole or not at all": where the source answers, and its mode asks for the baseline, the
baseline is served at once, even if something else in the answer is malformed. An emergency stop must not fail because
of a typing error in another setting.
"""

from __future__ import annotations

import logging
import math
import os
import time
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Literal, NamedTuple

from penstock.errors import InputError, PenstockError
from penstock.interleave.methods import METHODS
from penstock.interleave.settings import Settings, asks_for, parse
from penstock.interleave.sources import name_of, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from penstock.interleave.sources import Source

_log = logging.getLogger("penstock.interleave")

State = Literal["fresh", "stale", "baseline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The settings that a request is served with.

    Attributes:
        settings: They themselves.
        state: `fresh`: younger than the time to live. `stale`: older, because a refresh failed or is under way.
            `baseline`: nothing good is known.
        error: What went wrong with the last refresh, in words; None where nothing did.
        version: How many times settings had been read well when these were.
    """

    settings: Settings
    state: State
    error: str | None = None
    version: int = 0


class _Known(NamedTuple):
    """All that a snapshot knows, swapped whole."""

    held: Held
    due: float = -math.inf  # when the next refresh is due
    good: bool = False  # whether `held` has settings that were read well
    expires: float = -math.inf  # until when those may be served
    misses: int = 0  # refreshes that failed since the last one that did not


class Snapshot:
    """Settings that many threads read and one of them refreshes.

    Nothing is read before `warm()` or the first `current()`. After a fork the child goes on with what the parent held.

    Args:
        source: Where settings come from; a dict may be given as it is.
        rankers: The names of the rankers; the first one is the baseline.
        methods: The names of the methods that settings may choose.
        ttl: Seconds that a reading is fresh, from the moment it was begun; 30 to 120 suit a parameter store.
        retry_after: Seconds from a failed refresh to the next one, doubled with each further failure up to `ttl`.
        max_stale: Seconds from a reading to the end of its service when it cannot be refreshed.
        first_wait: Seconds that other threads wait for a reading when there is nothing good to serve, counted from its
            beginning.
        clock: Seconds that never run backwards.
        on_failure: Called with what went wrong, after each refresh that failed, in the thread that tried.

    Attributes:
        refreshes: Refreshes so far, with those that failed.
        failures: Refreshes that failed.

    Raises:
        InputError: A number of seconds is out of range, there is no ranker, or the source is none.
    """

    def __init__(
        self,
        source: Source | Mapping[str, object],
        *,
        rankers: Sequence[str] = ("A", "B"),
        methods: Collection[str] = METHODS,
        ttl: float = 60.0,
        retry_after: float = 1.0,
        max_stale: float = 900.0,
        first_wait: float = 0.6,
        clock: Callable[[], float] = time.monotonic,
        on_failure: Callable[[Exception], None] | None = None,
    ) -> None:
        _check(rankers, ttl=ttl, retry_after=retry_after, max_stale=max_stale, first_wait=first_wait)
        self.refreshes = 0
        self.failures = 0
        self._source = source_of(source)
        self._name = name_of(self._source)
        self._rankers = tuple(rankers)
        self._methods = methods
        self._ttl = ttl
        self._retry_after = retry_after
        self._max_stale = max_stale
        self._first_wait = first_wait
        self._clock = clock
        self._on_failure = on_failure
        self._baseline = Settings(mode=self._rankers[0])
        self._known = _Known(Held(settings=self._baseline, state="baseline"))
        # The refresh under way holds the gate of its process: a child is not kept out by a thread that only its parent
        # has.
        self._gates: dict[int, Lock] = {}
        self._began: float | None = None  # the refresh under way; None also for a moment before it is written

    def current(self) -> Held:
        """Give the settings to serve a request with, and refresh them where that is due; never raises."""
        known = self._known
        if self._clock() < known.due:
            return known.held
        return self._overdue()

    def warm(self) -> Held:
        """Read the settings now, unless they are fresh: for the time before the first request; never raises."""
        return self.current()

    def clear(self) -> None:
        """Forget what was read: for a process that was restored from an image of its memory, as by SnapStart."""
        self._known = _Known(Held(settings=self._baseline, state="baseline", version=self._known.held.version))

    def _overdue(self) -> Held:
        gate = self._gates.setdefault(os.getpid(), Lock())
        if not gate.acquire(blocking=False):
            return self._meanwhile(gate)
        try:
            if self._clock() >= self._known.due:  # else another thread was faster
                self._refresh()
            return self._known.held
        finally:
            gate.release()

    def _meanwhile(self, gate: Lock) -> Held:
        """What is served while another thread refreshes, however long that takes."""
        held = self._aged()
        if held.state != "baseline" or held.error is not None:
            return held
        left = self._first_wait if self._began is None else self._began + self._first_wait - self._clock()
        if left > 0 and gate.acquire(timeout=left):
            gate.release()
        return self._aged()

    def _aged(self) -> Held:
        """What is held, called by its age."""
        known, now = self._known, self._clock()
        if now < known.due or not known.good:
            return known.held
        if now < known.expires:
            return replace(known.held, state="stale")
        return replace(known.held, state="baseline", settings=self._baseline)

    def _refresh(self) -> None:
        self._began = began = self._clock()
        self.refreshes += 1
        values: dict[str, object] = {}
        try:
            values = dict(self._source())
            settings = parse(values, source=self._name, rankers=self._rankers, methods=self._methods)
        except Exception as error:  # noqa: BLE001 - whatever a source raises, requests go on
            self._fail(error, stopped=asks_for(self._baseline.mode, values))
        else:
            self._succeed(settings, began)
        finally:
            self._began = None

    def _succeed(self, settings: Settings, began: float) -> None:
        before = self._known
        held = Held(settings=settings, state="fresh", version=before.held.version + 1)
        self._known = _Known(held, due=began + self._ttl, good=True, expires=began + self._max_stale)
        if before.misses:
            _log.info("Settings are read from %s again, after %d failures.", self._name, before.misses)

    def _fail(self, error: Exception, *, stopped: bool) -> None:
        before, now = self._known, self._clock()
        self.failures += 1
        reason = str(error) if isinstance(error, PenstockError) else type(error).__name__  # others may quote secrets
        good = before.good and now < before.expires and not stopped
        held = replace(before.held, state="stale", error=reason) if good else self._fallen(before.held, reason)
        # Doubled at most 30 times: a float has an end, an outage need not.
        due = now + min(self._ttl, self._retry_after * 2.0 ** min(before.misses, 30))
        # What is served must change when it expires, even if that is before the next refresh.
        due = min(due, before.expires) if good else due
        self._known = _Known(held, due=due, good=good, expires=before.expires, misses=before.misses + 1)
        if not before.misses or held.state != before.held.state:
            _log.warning("Settings from %s cannot be used; %s is served: %s", self._name, _served(held), reason)
        _log.debug("Settings from %s cannot be used.", self._name, exc_info=error)
        self._tell(error)

    def _fallen(self, held: Held, reason: str) -> Held:
        return replace(held, settings=self._baseline, state="baseline", error=reason)

    def _tell(self, error: Exception) -> None:
        if self._on_failure is None:
            return
        try:
            self._on_failure(error)
        except Exception:  # noqa: BLE001 - nor may what only counts failures stop a request
            _log.exception("The function that is told of failed settings failed itself.")


def _served(held: Held) -> str:
    return "the last good reading" if held.state == "stale" else f"the baseline ({held.settings.mode})"


def _check(rankers: Sequence[str], *, ttl: float, retry_after: float, max_stale: float, first_wait: float) -> None:
    if not rankers:
        raise InputError("There is no ranker: name at least one, the first is the baseline.")
    for name, seconds in (("ttl", ttl), ("retry_after", retry_after)):
        if not seconds > 0:
            raise InputError(f"{name} is {seconds}: it must be more than 0 seconds.")
    for name, seconds in (("max_stale", max_stale), ("first_wait", first_wait)):
        if not seconds >= 0:
            raise InputError(f"{name} is {seconds}: it must be 0 seconds or more.")
