"""Brings the video behind a link to a file on this machine."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import anyio.to_thread
import msgspec

from penstock.errors import Refused, Throttled, Unfit
from penstock.score.video.kind import LOOKED_AT, video_type
from penstock.score.video.link import DRIVE, DriveLink, LocalLink, WebLink
from penstock.web.fetch import LARGEST, WebPage, fetch, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penstock.web.transport import Http

PUBLIC = "https://drive.usercontent.google.com/download"
"""Where files on Drive that are shared with everyone are brought from without credentials."""


class Authorizer(Protocol):
    """Proves to Google who asks."""

    async def headers(self) -> Mapping[str, str]:
        """Give the headers of a request."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A video on this machine.

    Attributes:
        path: Where it lies.
        mime_type: Such as `video/mp4`.
        digest: SHA-256 of its content, in hex.
        size: Bytes.
        ours: Whether it was brought here, and is to be deleted.
    """

    path: Path
    mime_type: str
    digest: str
    size: int
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSource:
    """Where videos come from, and how large they may be.

    Attributes:
        http: For downloads, from `open_downloads`.
        timeout: Seconds for one download.
        largest: Bytes of one video.
        allow_private: Whether links into private networks are followed.
        authorizer: Proves to Drive who asks; None for files that are shared with everyone.
        drive: The one place that gets what the authorizer gives.
    """

    http: Http
    timeout: float = 120.0
    largest: int = LARGEST
    allow_private: bool = False
    authorizer: Authorizer | None = None
    drive: str = DRIVE

    async def bring(self, link: WebLink | DriveLink | LocalLink, *, into: Path) -> Brought:
        """Bring a video, once.

        Args:
            link: The way to it.
            into: The file to make, unless the video is on this machine already.

        Raises:
            Unfit: It is not there, may not be read, is too large or no video.
            Later: The network or a server failed.
            Refused: The credentials are turned down.
            DeliveryError: The file cannot be written.
        """
        match link:
            case LocalLink():
                return await anyio.to_thread.run_sync(self._look, link.path)
            case WebLink():
                return await self._fetch(link.url, into, name=link.url)
            case DriveLink():
                return await self._from_drive(link, into)

    async def _from_drive(self, link: DriveLink, into: Path) -> Brought:
        try:
            if link.origin == DRIVE and self.authorizer is None:
                return await self._fetch(f"{PUBLIC}?id={link.file}&export=download&confirm=t", into)
            known = self.authorizer is not None and link.origin == self.drive
            headers = dict(await self.authorizer.headers()) if self.authorizer and known else {}
            if link.key:
                headers["X-Goog-Drive-Resource-Keys"] = f"{link.file}/{link.key}"
            url = f"{link.origin}/drive/v3/files/{link.file}?alt=media&supportsAllDrives=true"
            return await self._fetch(url, into, headers=headers)
        except WebPage:
            raise Unfit(
                "Drive answers with a page to sign in or to confirm instead of the video; share the file with everyone "
                "who has the link, or give credentials"
            ) from None

    async def _fetch(
        self, url: str, into: Path, *, name: str = "", headers: Mapping[str, str] | None = None
    ) -> Brought:
        fetched = await fetch(
            url,
            into=into,
            http=self.http,
            timeout=self.timeout,
            largest=self.largest,
            allow_private=self.allow_private,
            headers=headers,
            explain=(lambda _status, _body: None) if headers is None else _explain,
        )
        kind = await anyio.to_thread.run_sync(_kind, into, name.partition("?")[0])
        return Brought(path=into, mime_type=kind, digest=fetched.digest, size=fetched.size, ours=True)

    def _look(self, path: Path) -> Brought:
        """Look at a file of this machine."""
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size > self.largest:
                    raise Unfit(f"the file {path.name!r} is larger than {in_words(self.largest)}")
                kind = video_type(file.read(LOOKED_AT), name=path.name)
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise Unfit(f"the file {path.name!r} cannot be read ({error.strerror})") from None
        return Brought(path=path, mime_type=kind, digest=digest, size=size, ours=False)


class _Reason(msgspec.Struct):
    reason: str = ""


class _Error(msgspec.Struct):
    errors: list[_Reason] = msgspec.field(default_factory=list[_Reason])


class _Said(msgspec.Struct):
    error: _Error


_MEANINGS = (
    (
        {"rateLimitExceeded", "userRateLimitExceeded", "sharingRateLimitExceeded"},
        Throttled,
        "Drive asked for fewer downloads",
    ),
    (
        {"dailyLimitExceeded", "downloadQuotaExceeded"},
        Unfit,
        "the file on Drive was downloaded too often today; try tomorrow",
    ),
    (
        {"insufficientPermissions", "insufficientScopes", "accessNotConfigured"},
        Refused,
        "The credentials may not read Drive; give them the scope drive.readonly and enable the Drive API.",
    ),
    ({"401"}, Refused, "Drive turned the credentials down; sign in again, or use another service account."),
    ({"404"}, Unfit, "there is no such file on Drive, or it is not shared with these credentials"),
    ({"403"}, Unfit, "the file on Drive may not be downloaded; share it with these credentials"),
)
"""What reasons and statuses of Drive mean, the reasons first."""


def _explain(status: int, body: bytes) -> Exception | None:
    """Say what an error of Drive means.

    Source: https://developers.google.com/workspace/drive/api/guides/handle-errors
    """
    try:
        said = {each.reason for each in msgspec.json.decode(body, type=_Said).error.errors}
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = set[str]()
    for signs, kind, meaning in _MEANINGS:
        if signs & {*said, str(status)}:
            return kind(meaning)
    return None


def _kind(path: Path, name: str) -> str:
    """Look at a file that was brought; one that is no video is removed."""
    try:
        with path.open("rb") as file:
            return video_type(file.read(LOOKED_AT), name=name)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
