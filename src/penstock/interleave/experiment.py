"""An experiment: the one call at the place where a ranking is returned.

    experiment = Experiment("home", {"A": rank_a, "B": rank_b}, settings=from_ssm("/reco"))
    served = experiment.rank(context, user_id=user_id, k=10)
    return respond(served.ranking, served.ranking_id)

The settings decide whether one ranker is served, or all are made and merged. Whatever fails on the way, the request
gets a ranking as long as any ranker has one.
"""

from __future__ import annotations

import logging
import re
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from penstock.errors import InputError
from penstock.interleave.cores import usable_cores
from penstock.interleave.making import Made, Runner, SideError, callable_of
from penstock.interleave.merge import merge, sides_of
from penstock.interleave.methods import METHODS, method
from penstock.interleave.record import Record, ShownItem, stamp
from penstock.interleave.request import Request, mode_for, now, ranking_name, unit_of
from penstock.interleave.returned import key, returned
from penstock.interleave.settings import INTERLEAVE, Settings
from penstock.interleave.sinks import to_stream
from penstock.interleave.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from penstock.interleave.side import Side
    from penstock.interleave.sinks import Sink

_log = logging.getLogger("penstock.interleave")

_RANKER: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_PARTS: Final = ("merge", "total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A ranking to return.

    Attributes:
        ranking: In the type that the rankers return, with their columns and at most `k` rows. It does not tell which
            ranker an item came from, and neither should the response.
        ranking_id: To be sent along, so that clicks and later pages can name it.
        record: What was logged.
    """

    ranking: Any
    ranking_id: str
    record: Record


class Experiment:
    """Two rankers or more, compared on the requests of a sample of users; safe to use from many threads.

    The constructor reads nothing: settings are read at the first request, or by `warm()`.

    Args:
        name: Of the experiment, for logs.
        rankers: By name, the baseline first; names other than A and B are fine. Each is called with the context of the
            request and returns a ranking, best first: a pandas or Polars frame, a list of dicts or of ids, or an
            iterator of dicts or ids, which is read only as far as it is needed. An object with `rank_stream` or
            `rank_full` is a ranker, too; `rank_stream` is preferred.
        settings: `Settings`, a mapping of them, a source (`from_ssm`, `from_environment`, `from_file`, or any callable
            that returns a mapping), or a `Snapshot`.
        item_id: The column or key that identifies an item.
        deadline: Seconds after which a ranker that is late is done without, while rankers run side by side; None waits.
        cpu_bound: Whether the rankers compute in Python or on one core each; then they run one after the other where
            there are fewer than two cores.
        ttl: Seconds for which settings that were read are used.
        salt: Keeps samples and coins apart from those of other experiments; the name where it is not given.
        block: Items that `optimized_v1` plans together; `k` where it is not given. Set it where pages differ in size.
        log: Where records go; standard output, a line each, where it is not given.
        clock: Seconds since 1970, for the time of records and the day.

    Raises:
        InputError: There are fewer than two rankers, or one is no ranker or has a name that cannot be used.
    """

    def __init__(
        self,
        name: str,
        rankers: Mapping[str, Any],
        *,
        settings: Settings | Mapping[str, object] | Callable[[], Mapping[str, object]] | Snapshot,
        item_id: str = "item_id",
        deadline: float | None = 1.0,
        cpu_bound: bool = False,
        ttl: float = 60.0,
        salt: str | None = None,
        block: int | None = None,
        log: Sink | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        _check_names(name, rankers)
        self.name = name
        self.rankers = tuple(rankers)
        self._baseline = self.rankers[0]
        self._runner = Runner({each: callable_of(ranker) for each, ranker in rankers.items()}, deadline=deadline)
        self._snapshot = _snapshot(settings, self.rankers, ttl=ttl)
        self._item_id = item_id
        self._in_turn = cpu_bound and usable_cores() < 2
        self._salt = name if salt is None else salt
        self._block = block
        self._sink = log or to_stream()
        self._clock = clock

    @property
    def settings(self) -> Settings:
        """The settings in force now, for what the caller has to know itself, such as the size of the pool."""
        return self._snapshot.current().settings

    def warm(self) -> None:
        """Read the settings now, as in the init phase of a function; never raises."""
        self._snapshot.warm()

    def rank(
        self,
        context: Any = None,
        *,
        user_id: object = None,
        session_id: object = None,
        k: int,
        offset: int = 0,
        ranking_id: str | None = None,
        version: str | None = None,
        mode: str | None = None,
    ) -> Served:
        """Give the ranking to return, and log one line about it.

        Args:
            context: What the rankers are called with.
            user_id: Who asks; 7, "7" and 7.0 are the same user. None, NaN and "" are nobody.
            session_id: Stands for the user where there is none. Without either, the request is not in the experiment
                and gets the baseline.
            k: Items wanted on this page.
            offset: Items on the pages before.
            ranking_id: That of the first page, on later ones: they go on in the same draft. It may come from a client:
                one that is not 1 to 64 letters, digits or `._:~-` is replaced.
            version: Changes whenever users should get another draft under the seed strategy `user`, such as the version
                of the rankings; the day in UTC where it is not given. All pages of a ranking need the same one.
            mode: Overrules the setting, as for a route that always serves one ranker.

        Raises:
            InputError: `k`, `offset` or `mode` make no sense.
            Exception: What the baseline raised, where no ranker had a ranking.
        """
        if k < 0 or offset < 0:
            raise InputError(f"k is {k} and offset {offset}: both must be 0 or more.")
        if mode is not None and mode != INTERLEAVE and mode not in self.rankers:
            raise InputError(f"There is no mode {mode!r}: it is one of {', '.join((*self.rankers, INTERLEAVE))}.")
        began = now()
        held = self._snapshot.current()
        setting = mode or held.settings.mode
        unit = unit_of(self._salt, user_id, session_id)
        name, day = ranking_name(ranking_id, self._clock())
        request = Request(
            held=held,
            setting=setting,
            mode=mode_for(unit, setting, held.settings.sampling_rate, self.rankers),
            unit=unit,
            ranking_id=name,
            version=day if version is None else version,
            k=k,
            offset=offset,
            began=began,
        )
        return self._together(context, request) if request.mode == INTERLEAVE else self._alone(context, request)

    def _alone(self, context: Any, request: Request) -> Served:
        """Serve one ranker; where it raises or returns None and is not the baseline, the baseline."""
        try:
            value = self._runner.alone(request.mode, context)
            if value is not None or request.mode == self._baseline:
                return self._serve(request.mode, value, request, _spent(request.mode, request))
            lost = [Made(name=request.mode, loss="empty")]
        except Exception as error:
            if request.mode == self._baseline:
                raise
            lost = [Made(name=request.mode, loss="raised", error=error)]
        value = self._runner.alone(self._baseline, context)
        return self._serve(self._baseline, value, request, _spent(self._baseline, request), lost=lost)

    def _together(self, context: Any, request: Request) -> Served:
        """Make all rankings and merge them; without those that are lost, serve one that is left."""
        made, parallel = self._make(context, request.held.settings)
        ms = {each.name: each.seconds * 1e3 for each in made if each.seconds is not None}
        try:
            sides, lost = sides_of(made, self._item_id)
            if not lost:
                try:
                    return self._merge(sides, request, ms, parallel=parallel)
                except SideError as error:
                    lost = _lost(sides, error)
                except Exception as error:  # noqa: BLE001 - what cannot be merged is served unmerged, the baseline
                    lost = [Made(name=side.name, loss="unreadable", error=error) for side in sides[1:]]
            gone = {each.name for each in lost}
            left = [side for side in sides if side.name not in gone]
            return self._fall_back(context, left, lost, request, ms, parallel=parallel)
        finally:
            self._runner.let_go(made)

    def _make(self, context: Any, settings: Settings) -> tuple[Sequence[Made], bool]:
        if settings.parallel_enabled and not self._in_turn:
            try:
                return self._runner.side_by_side(context), True
            except RuntimeError as error:  # there are no more threads
                _log.warning("the rankers cannot run side by side (%s): they run one after the other", error)
        return self._runner.one_by_one(context), False

    def _merge(self, sides: Sequence[Side], request: Request, ms: dict[str, float], *, parallel: bool) -> Served:
        """Merge all sides, and log it.

        Raises:
            SideError: A side was lost on the way.
        """
        began = now()
        settings = request.held.settings
        done = merge(
            sides,
            request.k,
            offset=request.offset,
            method=settings.interleave_method,
            seed=f"{self._salt}|{request.seed}",
            block=self._block or request.k or None,
        )
        ms["merge"] = (now() - began) * 1e3
        return self._send(
            done.ranking,
            request,
            ms,
            done.items,
            mode=INTERLEAVE,
            method=settings.interleave_method,
            seed=request.seed_id,
            competitive=done.competitive,
            parallel=parallel,
            depth=tuple(side.read for side in sides),
        )

    def _fall_back(
        self,
        context: Any,
        left: Sequence[Side],
        lost: Sequence[Made],
        request: Request,
        ms: dict[str, float],
        *,
        parallel: bool,
    ) -> Served:
        """Serve what is left, the baseline if it is; where nothing is, do as without an experiment."""
        for side in left:
            try:
                if request.k and side.is_empty():
                    lost = [*lost, Made(name=side.name, value=side.ranking, loss="empty")]
                    continue
                return self._serve(side.name, side.ranking, request, ms, lost=lost, parallel=parallel)
            except SideError as error:
                lost = [*lost, *_lost([side], error)]
            except Exception as error:  # noqa: BLE001 - what a ranker's iterator raises costs its side only
                lost = [*lost, Made(name=side.name, loss="raised", error=error)]
        baseline = next(each for each in lost if each.name == self._baseline)
        if baseline.loss == "raised" and baseline.error is not None:
            raise baseline.error
        waits = baseline.loss in {"late", "stuck"}
        value = self._runner.alone(baseline.name, context) if waits else baseline.value
        return self._serve(baseline.name, value, request, ms, lost=lost, parallel=parallel)

    def _serve(
        self,
        name: str,
        value: Any,
        request: Request,
        ms: dict[str, float],
        *,
        lost: Sequence[Made] = (),
        parallel: bool | None = None,
    ) -> Served:
        """Serve the rows of one ranker; where it returned something of no known type, that as it is."""
        for each in lost:
            _log.warning(
                "ranking %s does without %s: %s", request.ranking_id, each.name, each.loss, exc_info=each.error
            )
        ranking = value
        with suppress(InputError):  # _words warns of it
            ranking = returned(value, self._item_id).head(request.offset, request.k)
        items = [
            ShownItem(item_id=word, position=position, source_ranker=name)
            for position, word in enumerate(_words(ranking, self._item_id), request.offset + 1)
            if word is not None
        ]
        merging = request.mode == INTERLEAVE
        return self._send(
            ranking,
            request,
            ms,
            items,
            mode=INTERLEAVE if merging else name,
            method=request.held.settings.interleave_method if merging else None,
            fallback_reason=",".join(f"{each.name}:{each.loss}" for each in lost) or None,
            error=next((type(each.error).__name__ for each in lost if each.error is not None), None),
            parallel=parallel,
        )

    def _send(
        self,
        ranking: Any,
        request: Request,
        ms: dict[str, float],
        items: Sequence[ShownItem],
        *,
        mode: str,
        **more: Any,
    ) -> Served:
        """Log the record; a log that fails costs the line, never the request."""
        unit = request.unit
        ms["total"] = (now() - request.began) * 1e3
        record = Record(
            time=stamp(self._clock()),
            experiment=self.name,
            ranking_id=request.ranking_id,
            mode=mode,
            setting=None if request.setting == mode else request.setting,
            unit=unit.kind if unit else None,
            user=unit.name if unit else None,
            bucket=unit.bucket if unit else None,
            k=request.k,
            offset=request.offset,
            rankers=self.rankers,
            settings=request.held.state,
            ms=ms,
            items=items,
            **more,
        )
        try:
            self._sink(record)
        except Exception:  # noqa: BLE001 - a log that cannot be written must not cost a request its ranking
            _log.exception("the record of ranking %s was not logged", request.ranking_id)
        return Served(ranking=ranking, ranking_id=request.ranking_id, record=record)


def _check_names(experiment: str, rankers: Mapping[str, Any]) -> None:
    """Refuse names that settings and logs could not tell from something else."""
    if len(rankers) < 2:
        raise InputError(f"Experiment {experiment!r} needs two rankers or more.")
    for name in rankers:
        if not _RANKER.fullmatch(name) or name.upper() == INTERLEAVE or name in _PARTS:
            raise InputError(
                f"A ranker of experiment {experiment!r} is named {name!r}: give it a name of letters, digits and _ . - "
                f"that is none of {INTERLEAVE}, merge and total."
            )


def _snapshot(settings: Any, rankers: Sequence[str], *, ttl: float) -> Snapshot:
    if isinstance(settings, Snapshot):
        return settings
    source = asdict(settings) if isinstance(settings, Settings) else settings
    methods = METHODS if len(rankers) == 2 else [name for name in METHODS if method(name).most_rankers is None]
    return Snapshot(source, rankers=rankers, methods=methods, ttl=ttl)


def _spent(name: str, request: Request) -> dict[str, float]:
    return {name: (now() - request.began) * 1e3}


def _lost(sides: Sequence[Side], error: SideError) -> list[Made]:
    """List the rankings that were lost while they were read, with what had been read of them."""
    return [
        Made(name=side.name, value=side.ranking, loss=error.loss, error=error.__cause__)
        for side in sides
        if side.name in error.names
    ]


def _words(ranking: Any, item_id: str) -> list[str | None]:
    """Read the ids of what is served anyway, for the log; none where there are none to read."""
    try:
        return [key(raw) for raw in returned(ranking, item_id).ids()]
    except Exception as error:  # noqa: BLE001 - ids that cannot be read must not cost a request its ranking
        if ranking is not None:
            _log.warning("the items of a ranking are not in its record: %s", error)
        return []
