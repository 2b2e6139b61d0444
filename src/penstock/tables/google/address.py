"""Where a sheet lies: read from the address that a browser shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, urlsplit

from penstock.errors import InputError
from penstock.web.loopback import is_loopback as host_is_loopback

GOOGLE = "https://sheets.googleapis.com"
_HOST = "docs.google.com"
_BOOK = re.compile(r"/spreadsheets/(?:u/\d+/)?d/([A-Za-z0-9_-]+)(?:/|$)")
_EXAMPLE = "https://docs.google.com/spreadsheets/d/..."


def is_sheet(source: str) -> bool:
    """Say whether a source is an address on the web, which only a sheet can be, and not the name of a file.

    One that was copied with spaces around it, or without its beginning, is taken for an address, too.
    """
    return source.strip().lower().startswith(("https://", "http://", f"{_HOST}/spreadsheets/"))


def is_loopback(url: str) -> bool:
    """Say whether an address is on this machine itself, where no real credential may be sent."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host_is_loopback(host)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetAddress:
    """One spreadsheet, and perhaps one tab of it.

    Attributes:
        book: Google's name for the spreadsheet.
        gid: Number of the tab; None where the address names none.
        origin: Where its requests go: Google, or a rehearsal server on this machine.
    """

    book: str
    gid: int | None = None
    origin: str = GOOGLE

    @classmethod
    def of(cls, url: str) -> SheetAddress:
        """Read an address as it is copied from a browser.

        Raises:
            InputError: It is no sheet of Google's and none of a rehearsal on this machine.
        """
        try:
            parts = urlsplit(url.strip())
            origin = _origin(parts)
        except ValueError:
            origin, parts = "", SplitResult("", "", "", "", "")
        if origin and "@" in parts.netloc:
            raise InputError(f"{_shown(url)} was given with a name or a password in it: leave it away.")
        if not origin:
            raise InputError(f"{_shown(url)} is not the address of a Google Sheet: it looks like {_EXAMPLE}.")
        if "/d/e/2PACX" in parts.path:
            raise InputError(f"{_shown(url)} is a published copy: give the address of the sheet itself, {_EXAMPLE}.")
        found = _BOOK.search(parts.path)
        if not found:
            raise InputError(f"{_shown(url)} names no spreadsheet: copy the whole address, {_EXAMPLE}.")
        return cls(book=found[1], gid=_gid(parts), origin=origin)

    @property
    def url(self) -> str:
        """The address for people."""
        front = f"https://{_HOST}" if self.origin == GOOGLE else self.origin
        tab = "" if self.gid is None else f"#gid={self.gid}"
        return f"{front}/spreadsheets/d/{self.book}/edit{tab}"


def _origin(parts: SplitResult) -> str:
    """Say where to send requests; empty for hosts that are not asked."""
    if parts.scheme not in {"http", "https"} or parts.port == 0:
        return ""
    if parts.hostname == _HOST and parts.port in {None, 443, 80}:
        return GOOGLE
    origin = f"{parts.scheme}://{parts.netloc.lower()}"
    return origin if is_loopback(origin) else ""


def _gid(parts: SplitResult) -> int | None:
    """Find the number of the tab: what stands behind `#` is what the browser shows."""
    for part in (parts.fragment, parts.query):
        told = parse_qs(part).get("gid", [""])[0]
        if re.fullmatch(r"[0-9]{1,12}", told):
            return int(told)
    return None


def _shown(url: str) -> str:
    """Show an address without what may be secret in it."""
    front = url.strip().split("?")[0].split("#")[0]
    return repr(re.sub(r"//[^/]*@", "//", front)[:120])
