"""Decides about every request to the sheet server, without sockets and without waiting."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.testing.sheet.calls import Asked, Done, perform, read_body
from penstock.testing.sheet.changes import created, described
from penstock.testing.sheet.files import check_download, find_file
from penstock.testing.sheet.mask import masked
from penstock.testing.sheet.quota import Quotas, refusal
from penstock.testing.sheet.tally import SheetTally
from penstock.testing.sheet.tokens import TokenOffice
from penstock.testing.sheet.trouble import (
    INTERNAL,
    UNAVAILABLE,
    Trouble,
    denied,
    missing,
    out_of_scope,
    unauthenticated,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penstock.testing.sheet.behaviour import SheetBehaviour, SheetFault, Target
    from penstock.testing.sheet.book import SheetBook
    from penstock.testing.sheet.calls import Kind
    from penstock.testing.sheet.files import DriveFile
    from penstock.testing.sheet.tally import SheetStats

JSON = "application/json; charset=UTF-8"
_HTML_502 = (
    b"<!DOCTYPE html><html lang=en><title>Error 502 (Server Error)!!1</title><p><b>502.</b> That's an error.<p>The"
    b" server encountered a temporary error and could not complete your request.</html>"
)
_AUTH = "https://www.googleapis.com/auth/"
_MAY: dict[str, frozenset[str]] = {
    "read": frozenset(_AUTH + name for name in ("spreadsheets", "spreadsheets.readonly", "drive", "drive.readonly")),
    "write": frozenset(_AUTH + name for name in ("spreadsheets", "drive")),
    "drive": frozenset(_AUTH + name for name in ("drive", "drive.readonly")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, whole."""

    status: int
    body: bytes
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A request that was let in.

    Attributes:
        content: Hash of the request.
        fault: What it meets.
        before: Seconds until it is done.
        after: Seconds from then until it is answered.
        asked: What it asks for, where it is a call of the Sheets API.
        body: Its body.
    """

    content: bytes
    fault: SheetFault | None
    before: float
    after: float
    asked: Asked | None = None
    body: bytes = b""

    @property
    def applies(self) -> bool:
        """Whether it is done at all."""
        return self.fault is None or self.fault == "slow" or self.fault.startswith("applied")


class SheetDesk:
    """Books, files, quotas, faults and tokens of one server.

    Args:
        behaviour: How it behaves.
        books: By id.
        files: Bytes, or where they lie, by id.
    """

    def __init__(
        self, behaviour: SheetBehaviour, *, books: dict[str, SheetBook], files: Mapping[str, bytes | Path]
    ) -> None:
        self.behaviour = behaviour
        self.books = books
        self.files = files
        self.office = TokenOffice()
        self.tally = SheetTally()
        self._quotas = Quotas()

    def reset(self) -> None:
        """Forget what was counted; quotas begin anew, books stay."""
        self.tally = SheetTally()
        self._quotas = Quotas()

    def stats(self, *, now: float) -> SheetStats:
        """Return what was counted."""
        return self.tally.stats(now=now)

    # --- the Sheets API ---

    def receive(self, asked: Asked, body: bytes, *, token: str, now: float) -> Reply | Ticket:
        """Let a call in, or refuse it at once: token first, then quota."""
        self.tally.receive(asked.kind, now=now)
        try:
            user = self._user(token, for_=asked.kind, method=asked.name, now=now)
        except Trouble as error:
            return self.refuse(error)
        refused = self._quotas.admit(self.behaviour, kind=asked.kind, user=asked.query.get("quotaUser", user), now=now)
        if refused is not None:
            self.tally.count("refused")
            return self.refuse(refused)
        named = f"{asked.name} {asked.book} {asked.range} {sorted(asked.query.items())} {asked.ranges} ".encode()
        return self.ticket(named + body, on="reads" if asked.kind == "read" else "writes", asked=asked, body=body)

    def finish(self, ticket: Ticket, *, url: str, now: float) -> Reply | None:
        """Do what was asked, unless its fault forbids it, and return the answer; None when there is none."""
        asked = ticket.asked
        assert asked is not None
        done: Reply | None = None
        if ticket.applies:
            try:
                outcome = self._perform(asked, read_body(asked, ticket.body), url=url, now=now)
            except Trouble as error:
                done = self._told(error)
            else:
                done = Reply(status=200, body=msgspec.json.encode(outcome.answer))
                if asked.kind == "write":
                    self.tally.apply(ticket.content, cells=outcome.cells)
        return self.answer(ticket, done)

    def answer(self, ticket: Ticket, done: Reply | None) -> Reply | None:
        """Return what the client gets: what was done, or what its fault makes of it; None is a lost connection."""
        if ticket.fault not in {None, "slow"}:
            done = self._fault(ticket)
        if done is not None:
            self.tally.statuses[done.status] += 1
        return done

    def ticket(self, content: bytes, *, on: Target, asked: Asked | None = None, body: bytes = b"") -> Ticket:
        """Let a request in: draw its delay and its fault."""
        digest = hashlib.blake2b(content, digest_size=16).digest()
        nth = self.tally.nth(digest)
        fault = self.behaviour.fate(digest, nth=nth, on=on)
        if fault is not None:
            self.tally.meet(fault)
        before = self.behaviour.delay(digest, nth=nth)
        if fault == "hang":
            before = self.behaviour.hang_seconds
        elif fault == "slow":
            before += self.behaviour.slow_seconds
        after = self.behaviour.hang_seconds if fault == "applied_then_hang" else 0.0
        return Ticket(content=digest, fault=fault, before=before, after=after, asked=asked, body=body)

    def refuse(self, error: Trouble) -> Reply:
        """Return the answer that tells an error, and count it."""
        reply = self._told(error)
        self.tally.statuses[reply.status] += 1
        return reply

    # --- Drive and tokens ---

    def file(self, file: str, *, token: str, now: float, media: bool) -> DriveFile:
        """Return a file for the caller.

        Raises:
            Trouble: When the caller may not have it.
        """
        self._user(token, for_="drive", method="files.get", now=now)
        found = find_file(self.files, file, self.behaviour)
        if media:
            check_download(found, self.behaviour)
            self.tally.count("downloads")
        return found

    def grant(self, form: Mapping[str, str], *, audience: str, now: float) -> Reply:
        """Answer a request for a token."""
        granted = self.office.grant(form, audience=audience, seconds=self.behaviour.token_seconds, now=now)
        if granted.status == 200:
            self.tally.count("tokens")
        return Reply(status=granted.status, body=msgspec.json.encode(granted.answer))

    def _user(self, token: str, *, for_: str, method: str, now: float) -> str:
        """Return who calls; a token that is not this server's is a user of its own where none is required."""
        found = self.office.admit(token, now=now)
        if found is None:
            if self.behaviour.require_token:
                raise unauthenticated(token=token, method=method)
            return hashlib.blake2b(token.encode(), digest_size=8).hexdigest()
        if found.scopes and found.scopes.isdisjoint(_MAY[for_]):
            raise out_of_scope(method=method)
        return found.user

    def _perform(self, asked: Asked, body: dict[str, Any], *, url: str, now: float) -> Done:
        if asked.name == "create":
            return self._create(asked, body, url=url)
        book = self.books.get(asked.book)
        if book is None:
            raise missing()
        if asked.book in self.behaviour.unshared or (asked.kind == "write" and asked.book in self.behaviour.readonly):
            raise denied()
        return perform(book, asked, body, url=sheet_url(url, asked.book), protected=self.behaviour.protected, now=now)

    def _create(self, asked: Asked, body: dict[str, Any], *, url: str) -> Done:
        book, book_id = created(body), secrets.token_urlsafe(24)
        self.books[book_id] = book
        answer = described(book, book_id, url=sheet_url(url, book_id))
        return Done(answer=masked(answer, asked.query.get("fields", "")))

    def _told(self, error: Trouble) -> Reply:
        headers: dict[str, str] = {}
        if error.code == 429 and self.behaviour.retry_after is not None:
            headers["Retry-After"] = f"{self.behaviour.retry_after:g}"
        if error.code == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        return Reply(status=error.code, body=msgspec.json.encode(error.body()), headers=headers)

    def _fault(self, ticket: Ticket) -> Reply | None:
        if ticket.fault == "http_429":
            kind: Kind = "write" if ticket.asked is not None and ticket.asked.kind == "write" else "read"
            return self._told(refusal(kind))
        if ticket.fault == "http_500":
            return self._told(Trouble(500, INTERNAL))
        if ticket.fault in {"http_503", "applied_then_503"}:
            return self._told(Trouble(503, UNAVAILABLE))
        if ticket.fault == "http_502_html":
            return Reply(status=502, body=_HTML_502, kind="text/html; charset=UTF-8")
        return None


def sheet_url(url: str, book: str) -> str:
    """Return the address of a book for people."""
    return f"{url}/spreadsheets/d/{book}/edit#gid=0"
