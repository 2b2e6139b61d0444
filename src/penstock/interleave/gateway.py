"""An experiment behind API Gateway: an event in, a response out.

    gateway = Gateway(
        experiment,
        {"GET /recommendations/a": "A", "GET /recommendations/b": "B", "GET /recommendations": None},
        context=lambda call: Context(call.claims["sub"]),
    )

    def handler(event, _context):
        return gateway(event)

Old routes keep their ranker, the new one does what the settings say, and all of them are one function: so the move
from routes to settings needs no moment at which everything changes.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError
from penstock.interleave.event import Call, read
from penstock.interleave.settings import INTERLEAVE
from penstock.interleave.wire import plain, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.interleave.event import Event
    from penstock.interleave.experiment import Experiment, Served

__all__ = ["Call", "Gateway"]

_log = logging.getLogger("penstock.interleave")


def _subject(call: Call) -> object:
    return call.claims.get("sub")


def _nobody(_call: Call) -> object:
    return None


def _itself(call: Call) -> Call:
    return call


def _body(served: Served) -> dict[str, Any]:
    return {"ranking_id": served.ranking_id, "items": rows(served.ranking)}


class Gateway:
    """Answers the events of an HTTP API, a REST API or a load balancer with rankings; safe to use from many threads.

    The query may say `k`, `offset` and, for later pages, the `ranking_id` of the first. The response has the ranking
    and its id, the id in the header `x-ranking-id` once more, and never a word about which ranker an item came from.

    Args:
        experiment: Makes and logs the rankings.
        routes: By method and path (`GET /recommendations`) the mode: a ranker's name for a route that always serves
            this ranker, None for one that does what the settings say.
        context: Makes what the rankers are called with; the call itself where it is not given. An `InputError` of it
            is told to the client, as status 400.
        user: Says who calls; the claim `sub` where it is not given. Take it from what the caller cannot make up.
        session: Says in which session, for those who are nobody; none where it is not given.
        body: Makes the body of the response.
        k: Items of a page where the query does not say.
        most: The largest page.
        deepest: The largest offset.

    Raises:
        InputError: A route has no such mode, or the sizes make no sense.
    """

    def __init__(
        self,
        experiment: Experiment,
        routes: Mapping[str, str | None],
        *,
        context: Callable[[Call], Any] = _itself,
        user: Callable[[Call], object] = _subject,
        session: Callable[[Call], object] = _nobody,
        body: Callable[[Served], Any] = _body,
        k: int = 10,
        most: int = 100,
        deepest: int = 1_000,
    ) -> None:
        for route, mode in routes.items():
            if mode not in {None, INTERLEAVE, *experiment.rankers}:
                raise InputError(
                    f"Route {route!r} has no mode {mode!r}: give a ranker's name, or None for the setting."
                )
        if not 1 <= k <= most or deepest < 0:
            raise InputError(
                f"k is {k}, most {most} and deepest {deepest}: there must be 1 <= k <= most, 0 <= deepest."
            )
        self._experiment = experiment
        self._routes = dict(routes)
        self._context = context
        self._user = user
        self._session = session
        self._body = body
        self._k = k
        self._most = most
        self._deepest = deepest

    def __call__(self, event: Event) -> dict[str, Any]:
        """Answer one event; never raises.

        Status 400 says in one sentence what the client did wrong, 404 that there is no such route. What goes wrong here
        is status 500; it stands in the log and not in the response.
        """
        try:
            return self._answer(event)
        except Exception:  # noqa: BLE001 - whatever goes wrong, the client gets a response without details
            _log.exception("a request could not be answered")
            return _response(500, {"error": "The ranking could not be made."})

    def _answer(self, event: Event) -> dict[str, Any]:
        call = read(event, self._routes)
        if call is None:
            return _response(404, {"error": "There is nothing here."})
        try:
            k = _whole(call.query, "k", default=self._k, least=1, most=self._most)
            offset = _whole(call.query, "offset", default=0, least=0, most=self._deepest)
            context = self._context(call)
        except InputError as error:
            return _response(400, {"error": str(error)})
        served = self._experiment.rank(
            context,
            user_id=self._user(call),
            session_id=self._session(call),
            k=k,
            offset=offset,
            ranking_id=call.query.get("ranking_id"),
            mode=self._routes[call.route],
        )
        return _response(200, plain(self._body(served)), **{"x-ranking-id": served.ranking_id})


def _whole(query: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    text = query.get(name)
    if not text:
        return default
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    if not least <= number <= most:
        raise InputError(f"{name} must be a whole number from {least} to {most}.")
    return number


def _response(status: int, body: Any, **headers: str) -> dict[str, Any]:
    # A ranking is made for one person at one moment: no cache on the way may give it to the next.
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store", **headers},
        "body": json.dumps(body, separators=(",", ":"), allow_nan=False),
        "isBase64Encoded": False,
    }
