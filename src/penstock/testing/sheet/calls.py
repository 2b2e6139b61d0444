"""What a request to the Sheets API asks for, and doing it: pure, without clocks, faults or quotas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import parse_qs, unquote

import msgspec

from penstock.testing.sheet import changes
from penstock.testing.sheet.mask import masked
from penstock.testing.sheet.ranges import Rectangle, in_a1
from penstock.testing.sheet.trouble import Trouble, invalid
from penstock.testing.sheet.values import Protection, Write, input_option, plan, plan_clear, prefixed, read_values
from penstock.testing.sheet.wire import lines_at, objects_at, texts_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.testing.sheet.book import SheetBook

_PREFIX = "/v4/spreadsheets"
_SYSTEM = frozenset({"alt", "fields", "key", "prettyPrint", "quotaUser", "access_token", "$.xgafv", "uploadType"})
_RENDER = frozenset({"valueRenderOption", "dateTimeRenderOption", "majorDimension"})
_INPUT = frozenset(
    {"valueInputOption", "includeValuesInResponse", "responseValueRenderOption", "responseDateTimeRenderOption"}
)
_RANGE = frozenset({"range", "majorDimension", "values"})

Kind = Literal["read", "write"]
Planned = TypeVar("Planned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One method of the API: what it may be given beside the book, and whether it writes."""

    method: str
    kind: Kind
    query: frozenset[str] = frozenset()
    body: frozenset[str] = frozenset()


_VERBS = {
    "create": Verb(
        method="POST", kind="write", body=frozenset({"properties", "sheets", "spreadsheetId", "namedRanges"})
    ),
    "get": Verb(
        method="GET",
        kind="read",
        query=frozenset({"includeGridData", "ranges", "excludeTablesInBandedRanges", "commentsViewMode"}),
    ),
    "batchUpdate": Verb(
        method="POST",
        kind="write",
        body=frozenset({"requests", "includeSpreadsheetInResponse", "responseRanges", "responseIncludeGridData"}),
    ),
    "values.get": Verb(method="GET", kind="read", query=_RENDER),
    "values.update": Verb(method="PUT", kind="write", query=_INPUT, body=_RANGE),
    "values.clear": Verb(method="POST", kind="write"),
    "values.append": Verb(method="POST", kind="write", query=_INPUT | {"insertDataOption"}, body=_RANGE),
    "values.batchGet": Verb(method="GET", kind="read", query=_RENDER | {"ranges"}),
    "values.batchUpdate": Verb(method="POST", kind="write", body=_INPUT | {"data"}),
    "values.batchClear": Verb(method="POST", kind="write", body=frozenset({"ranges"})),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to the API, as far as its address tells.

    Attributes:
        name: The method's name, such as `values.batchUpdate`.
        kind: Which quota it counts for.
        book: The book's id; empty for a new one.
        range: In A1 notation, where the address has one.
        query: Last value of each parameter.
        ranges: All values of `ranges`.
    """

    name: str
    kind: Kind
    book: str
    range: str
    query: dict[str, str]
    ranges: tuple[str, ...]


def read_address(method: str, path: str, query: str) -> Asked | None:
    """Return what an address asks for; `path` and `query` as they came, percent-encoded; None when it is no method."""
    named = _named(method, path)
    if named is None:
        return None
    name, book, text = named
    given = parse_qs(query, keep_blank_values=True)
    return Asked(
        name=name,
        kind=_VERBS[name].kind,
        book=unquote(book),
        range=unquote(text),
        query={key: values[-1] for key, values in given.items()},
        ranges=tuple(given.get("ranges", ())),
    )


def read_body(asked: Asked, body: bytes) -> dict[str, Any]:
    """Return the JSON of a request, checked for names that Google does not know.

    Raises:
        Trouble: When it is not JSON, or a name in it or in the query is unknown.
    """
    verb = _VERBS[asked.name]
    for name in asked.query:
        if name not in verb.query | _SYSTEM:
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. Field'
                f" '{name}' could not be found in request message."
            )
    if not body.strip() or verb.method == "GET":
        return {}
    try:
        given = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(f"Invalid JSON payload received. {error}") from error
    _check_names(given, verb.body, "")
    return given


def perform(
    book: SheetBook, asked: Asked, body: dict[str, Any], *, url: str, protected: Sequence[str], now: float
) -> Done:
    """Do what was asked; nothing is changed when any part of it is wrong.

    Raises:
        Trouble: When it is.
    """
    if asked.name == "get":
        return Done(answer=_masked(asked, changes.described(book, asked.book, url=url, protected=protected)))
    if asked.name == "values.get":
        return Done(answer=_masked(asked, read_values(book, asked.range, asked.query)))
    if asked.name == "values.batchGet":
        ranges = [read_values(book, text, asked.query) for text in asked.ranges]
        return Done(answer=_masked(asked, {"spreadsheetId": asked.book, "valueRanges": ranges}))
    if asked.name == "batchUpdate":
        return _change(book, asked, body, url=url)
    writes = _plan(book, asked, body)
    protection = Protection(protected, book)
    for place, write in enumerate(writes):
        _in_place(asked, place, partial(protection.check, write))
    for write in writes:
        write.apply(now=now)
    cells = sum(len(write.cells) for write in writes)
    return Done(answer=_masked(asked, _told(book, asked, body, writes)), cells=cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a request: its answer, and how many cells it wrote."""

    answer: dict[str, Any]
    cells: int = 0


def _named(method: str, path: str) -> tuple[str, str, str] | None:
    """Return the method's name, the book and the range of a path."""
    if path == _PREFIX:
        return ("create", "", "") if method == "POST" else None
    if not path.startswith(_PREFIX + "/"):
        return None
    book, slash, rest = path.removeprefix(_PREFIX + "/").partition("/")
    if not slash:
        book, _, name = book.partition(":")
        name = name or "get"
    elif rest.startswith("values:"):
        name = f"values.{rest.removeprefix('values:')}"
    elif rest.startswith("values/"):
        return _named_range(method, book, rest.removeprefix("values/"))
    else:
        return None
    return (name, book, "") if name in _VERBS and _VERBS[name].method == method else None


def _named_range(method: str, book: str, text: str) -> tuple[str, str, str] | None:
    if method == "POST":
        text, colon, verb = unquote(text).rpartition(":")
        return (f"values.{verb}", book, text) if colon and verb in {"append", "clear"} else None
    name = {"GET": "values.get", "PUT": "values.update"}.get(method)
    return (name, book, text) if name else None


def _check_names(given: dict[str, Any], known: frozenset[str], where: str) -> None:
    for name in given:
        if name not in known:
            at = f" at '{where}'" if where else ""
            raise invalid(f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.')


def _masked(asked: Asked, answer: dict[str, Any]) -> dict[str, Any]:
    return masked(answer, asked.query.get("fields", ""))


def _change(book: SheetBook, asked: Asked, body: dict[str, Any], *, url: str) -> Done:
    requests = objects_at(body, "requests")
    if not requests:
        raise invalid("Must specify at least one request.")
    replies = changes.change(book, requests)
    answer: dict[str, Any] = {"spreadsheetId": asked.book, "replies": replies}
    if body.get("includeSpreadsheetInResponse"):
        answer["updatedSpreadsheet"] = changes.described(book, asked.book, url=url)
    return Done(answer=_masked(asked, answer))


def _plan(book: SheetBook, asked: Asked, body: dict[str, Any]) -> list[Write]:
    if asked.name == "values.clear":
        return [plan_clear(book, asked.range)]
    if asked.name == "values.batchClear":
        return [
            _in_place(asked, place, partial(plan_clear, book, text))
            for place, text in enumerate(texts_at(body, "ranges"))
        ]
    if asked.name == "values.append":
        return [_plan_append(book, asked, body)]
    if asked.name == "values.update":
        return [plan(book, body, text=asked.range, entered=input_option(asked.query))]
    return _plan_batch(book, asked, body)


def _plan_batch(book: SheetBook, asked: Asked, body: dict[str, Any]) -> list[Write]:
    entered, data = input_option(body), objects_at(body, "data")
    for place, each in enumerate(data):
        _check_names(each, _RANGE, f"data[{place}]")
    return [
        _in_place(asked, place, partial(plan, book, each, text=str(each.get("range", "")), entered=entered))
        for place, each in enumerate(data)
    ]


def _plan_append(book: SheetBook, asked: Asked, body: dict[str, Any]) -> Write:
    """Plan to write below the last row that holds something in the columns of the range; the grid grows."""
    entered = input_option(asked.query)
    tab, searched = book.find(asked.range)
    values = lines_at(body, "values")
    top = max(tab.last_row(searched) + 1, searched.top)
    wide = searched.left + max((len(row) for row in values), default=1) - 1
    book.resize(tab, rows=max(tab.rows, top + len(values) - 1), columns=max(tab.columns, wide))
    start = in_a1(tab.title, Rectangle(top=top, left=searched.left, bottom=top, right=searched.left))
    return plan(book, body, text=start, entered=entered)


def _in_place(asked: Asked, place: int, step: Callable[[], Planned]) -> Planned:
    """Take a step for one part of a batch, so that its error names the part."""
    part = {"values.batchUpdate": "data", "values.batchClear": "range"}.get(asked.name)
    try:
        return step()
    except Trouble as error:
        if part is None:
            raise
        raise prefixed(error, f"{part}[{place}]") from error


def _told(book: SheetBook, asked: Asked, body: dict[str, Any], writes: list[Write]) -> dict[str, Any]:
    if asked.name == "values.clear":
        return {"spreadsheetId": asked.book, "clearedRange": in_a1(writes[0].tab.title, writes[0].covered)}
    if asked.name == "values.batchClear":
        return {"spreadsheetId": asked.book, "clearedRanges": [in_a1(each.tab.title, each.covered) for each in writes]}
    options = body if asked.name == "values.batchUpdate" else asked.query
    told = [_told_write(book, asked, options, each) for each in writes]
    if asked.name == "values.append":
        return {"spreadsheetId": asked.book, "updates": told[0]}
    return told[0] if asked.name == "values.update" else _totals(asked, told, writes)


def _told_write(book: SheetBook, asked: Asked, options: dict[str, Any], write: Write) -> dict[str, Any]:
    told = write.told(asked.book)
    if options.get("includeValuesInResponse") in {True, "true", "True"}:
        rendering = {"valueRenderOption": options.get("responseValueRenderOption")}
        told["updatedData"] = read_values(book, in_a1(write.tab.title, write.covered), rendering)
    return told


def _totals(asked: Asked, told: list[dict[str, Any]], writes: list[Write]) -> dict[str, Any]:
    cells = {(each.tab.gid, row, column) for each in writes for row, column, _ in each.cells}
    return {
        "spreadsheetId": asked.book,
        "totalUpdatedRows": len({(gid, row) for gid, row, _ in cells}),
        "totalUpdatedColumns": len({(gid, column) for gid, _, column in cells}),
        "totalUpdatedCells": len(cells),
        "totalUpdatedSheets": len({gid for gid, _, _ in cells}),
        "responses": told,
    }
