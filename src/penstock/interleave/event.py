"""One call of a web interface, read from the event that a function on AWS Lambda is handed.

Three kinds of event are read: of an HTTP API (payload format 2.0), of a REST API (1.0), and of an Application Load
Balancer (with its multi-value headers switched off). They say the same things in different places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Event: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the interface.

    Attributes:
        route: Which of the routes it took, as `GET /recommendations`.
        query: The query; of a name that is given several times, what the sender of the event makes of it.
        headers: The headers, their names in lower case.
        cookies: The cookies.
        claims: What the authoriser found out about the caller: claims of a token, or the context of an authoriser
            function. The only part that the caller cannot make up.
        path: The parameters in the path, as `id` of `/users/{id}`.
        event: The event as it came, for what is not among these.
    """

    route: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    claims: Mapping[str, Any]
    path: Mapping[str, str]
    event: Event


def read(event: Event, routes: Collection[str]) -> Call | None:
    """Read an event; None where it took none of the routes.

    Args:
        event: As AWS hands it over.
        routes: Method and path, as `GET /recommendations`; the path as API Gateway names it, with `{id}` for a
            parameter, or as it was called.
    """
    route = next((name for name in _names(event) if name in routes), None)
    if route is None:
        return None
    headers = {name.lower(): value for name, value in _part(event, "headers").items()}
    return Call(
        route=route,
        query=_query(event),
        headers=headers,
        cookies=_cookies(event.get("cookies") or headers.get("cookie", "").split(";")),
        claims=_claims(_part(_part(event, "requestContext"), "authorizer")),
        path=_part(event, "pathParameters"),
        event=event,
    )


def _names(event: Event) -> Iterator[str]:
    """Say what the route may be called: by its own name, its path with parameters, or the path that was called."""
    about = _part(event, "requestContext")
    method = str(_part(about, "http").get("method") or event.get("httpMethod"))
    yield str(event.get("routeKey"))
    yield f"{method} {event.get('resource')}"
    called = str(event.get("rawPath") or event.get("path"))
    yield f"{method} {called.rstrip('/') or '/'}"
    # An HTTP API puts a stage with a name before the path.
    without_stage = called.removeprefix(f"/{about.get('stage')}")
    yield f"{method} {without_stage.rstrip('/') or '/'}"


def _query(event: Event) -> dict[str, str]:
    query = _part(event, "queryStringParameters")
    if "elb" not in _part(event, "requestContext"):
        return query
    # A load balancer leaves the decoding to us.
    return {unquote_plus(name): unquote_plus(value) for name, value in query.items()}


def _cookies(pairs: list[str]) -> dict[str, str]:
    found = (pair.partition("=") for pair in pairs)
    return {name.strip(): value.strip().strip('"') for name, equals, value in found if equals}


def _claims(authorizer: dict[str, Any]) -> dict[str, Any]:
    """Find what an authoriser said: each kind of it has a place of its own."""
    token = _part(authorizer, "jwt") or authorizer
    return _part(token, "claims") or _part(authorizer, "lambda") or _part(authorizer, "iam") or authorizer


def _part(whole: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Give a part of an event; AWS writes null, or nothing, where there is none."""
    part = whole.get(name)
    return cast("dict[str, Any]", part) if isinstance(part, Mapping) else {}
