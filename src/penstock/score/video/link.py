"""Reads what stands in a row as the way to a video: an address, a file on Drive, or a file on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from penstock.errors import Unfit
from penstock.web.addresses import check_link, shown
from penstock.web.loopback import is_loopback

if TYPE_CHECKING:
    from pathlib import Path

    from yarl import URL

DRIVE = "https://www.googleapis.com"
"""Where files on Drive are brought from with credentials."""

_FILE = re.compile(r"/file/(?:u/\d+/)?d/(?P<id>[\w-]{1,200})(?:/.*)?")
_ID = re.compile(r"[\w-]{1,200}")
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?://|[^/\\])")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebLink:
    """A video behind an address."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveLink:
    """A video on Google Drive.

    Attributes:
        file: Its id.
        origin: Where the API is.
        key: What links to older files need beside the id.
    """

    file: str
    origin: str = DRIVE
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalLink:
    """A video on this machine."""

    path: Path


def read_link(
    text: str, *, base: Path | None = None, allow_outside: bool = False, allow_private: bool = False
) -> WebLink | DriveLink | LocalLink:
    """Read what stands in a row.

    Args:
        text: The cell.
        base: Folder that file names start from; None where rows may name no files of this machine, as in a table that
            others write.
        allow_outside: Whether files outside of that folder may be named.
        allow_private: Whether links may lead into private networks; a Drive on loopback is one.

    Raises:
        Unfit: It is no way to a video, or leads where it must not.
    """
    text = text.strip()
    if not text:
        raise Unfit("the row holds no link to a video")
    if text.lower().startswith(("http://", "https://")):
        return _web(text, allow_private=allow_private)
    scheme = _SCHEME.match(text)
    if scheme is None or scheme["scheme"].lower() == "file":
        return LocalLink(path=_local(text if scheme is None else _file_path(text), base, allow_outside=allow_outside))
    raise Unfit(f"{shown(text)} is no http(s) link, no link to Drive and no file")


def _web(text: str, *, allow_private: bool) -> WebLink | DriveLink:
    url = check_link(text, allow_private=allow_private)
    if url.host in {"drive.google.com", "docs.google.com", "drive.usercontent.google.com"}:
        return _drive(url, DRIVE)
    if allow_private and is_loopback(url.raw_host or "") and _FILE.fullmatch(url.path):
        return _drive(url, str(url.origin()))
    return WebLink(url=text)


def _drive(url: URL, origin: str) -> DriveLink:
    named = _FILE.fullmatch(url.path)
    file = named["id"] if named else url.query.get("id", "")
    if "/folders/" in url.path:
        raise Unfit("the link leads to a folder on Drive; give the link of one file")
    if not _ID.fullmatch(file):
        raise Unfit("the link to Drive names no file; take the one that Share > Copy link gives")
    key = url.query.get("resourcekey", "")
    return DriveLink(file=file, origin=origin, key=key if _ID.fullmatch(key) else "")


def _file_path(text: str) -> str:
    parts = urlsplit(text)
    if parts.netloc not in {"", "localhost"}:
        raise Unfit("the link names a file of another machine")
    return unquote(parts.path)


def _local(text: str, base: Path | None, *, allow_outside: bool) -> Path:
    if base is None:
        raise Unfit("this row may not name a file of this machine; give an http(s) link or one to Drive")
    try:
        folder = base.resolve()
        path = (folder / text).resolve()
        found, regular = path.exists(), path.is_file()
    except (OSError, ValueError, RuntimeError):
        raise Unfit(f"{shown(text)} is no name of a file") from None
    if not allow_outside and not path.is_relative_to(folder):
        raise Unfit(f"the file {shown(text)} lies outside the folder of the table, where rows may not reach")
    if not regular:
        raise Unfit(f"{shown(text)} is no regular file" if found else f"there is no file {shown(text)}")
    return path
