"""Gemini's storage for files as it is spoken to: requests, answers, errors.

Facts that the code rests on: a file that is not there is answered with 403 or 404; a full storage is 429 with a wait
of 292 years.

Source: https://ai.google.dev/api/files
"""

from __future__ import annotations

import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import msgspec

from penstock.errors import InputError, Refused, Rejected, Throttled, Unreachable
from penstock.models.faults import UNREADABLE, one_line
from penstock.models.gemini_errors import read_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from penstock.models.gemini_errors import ApiError
    from penstock.web.again import Again
    from penstock.web.transport import Http, Response

_Read = TypeVar("_Read")

_NAME = re.compile(r"files/[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_PIECE = 256 * 1024
_QUICK = 5.0  # seconds for a question about a file, which is answered from the server's memory


class _Status(msgspec.Struct):
    message: str = ""


class RemoteFile(msgspec.Struct, rename="camel", frozen=True):
    """What the server says about a file.

    Attributes:
        name: `files/` and what was chosen.
        uri: What prompts point at.
        mime_type: Such as `video/mp4`.
        state: `PROCESSING`, `ACTIVE` or `FAILED`.
        error: Why it failed.
    """

    name: str
    uri: str = ""
    mime_type: str = ""
    state: str = "ACTIVE"
    error: _Status | None = None


class _Uploaded(msgspec.Struct):
    file: RemoteFile


class Storage:
    """The files of one account, by name; many tasks may use it at once.

    Attributes:
        origin: Where the API is: scheme, host and port.
        account: Tells accounts apart in what is written down; no key can be found from it.
        again: How failures that may pass are met.
    """

    def __init__(self, http: Http, *, base_url: str, key: str, timeout: float, again: Again) -> None:
        self._http = http
        self.origin = base_url.rstrip("/").removesuffix("/v1beta")
        self.account = hashlib.sha256(f"files of {key}".encode()).hexdigest()[:16]
        self.again = again
        self._key = key
        self._headers = {"Accept": "application/json", **({"x-goog-api-key": key} if key else {})}
        self._timeout = timeout

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response | None:
        """Send a request until an answer comes; None when there is no such file.

        Raises:
            Rejected: The server does not take it.
            Later: The server cannot be reached.
            Refused: The key is turned down, or a quota is used up.
        """
        sent = {**self._headers, **(headers or {})}
        return await self.again.ask(partial(self._once, method, url, sent, body))

    async def send(self, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Response:
        """Send a request of an upload under way: once, and without the key, which the address stands for.

        Raises:
            Unreachable: No answer came.
        """
        sent = {**headers, "Content-Length": str(len(body))}
        return await self._http.send("POST", url, headers=sent, body=_pieces(body), timeout=self._timeout)

    async def get(self, name: str) -> RemoteFile | None:
        """What the server says about a file; None when it is not there."""
        answer = await self.ask("GET", self._address(name))
        return None if answer is None else _decoded(answer, RemoteFile)

    async def delete(self, name: str) -> bool:
        """Delete a file; says whether it was there."""
        return await self.ask("DELETE", self._address(name)) is not None

    def uploaded(self, answer: Response) -> RemoteFile:
        """Read what came with the last chunk of a file."""
        return _decoded(answer, _Uploaded).file

    def error(self, answer: Response) -> Exception:
        """Turn a status into the error that says what to do next."""
        status, said = answer.status, read_error(answer)
        message = self.plain(said.message)
        told = f"HTTP {status}: {message}" if message else f"HTTP {status}"
        if status == 429:
            return _throttled(said)
        if status in {401, 403} or said.about_key:
            return Refused(f"{self.origin} turned the key down ({told}); check the key.")
        if status in {400, 409, 413, 415, 422}:
            return Rejected(f"the server did not take the file ({told})", status=status)
        if status >= 500 or status in {408, 425}:
            return Unreachable(f"the server had an error ({told})", status=status)
        return Refused(f"{self.origin} cannot hold files ({told}); check the base URL.")

    def plain(self, message: str) -> str:
        """Write a server's message as one short line, without the key."""
        return one_line(message, self._key)

    async def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response | None:
        timeout = self._timeout if method == "POST" else min(self._timeout, _QUICK)
        answer = await self._http.send(method, url, headers=headers, body=body, timeout=timeout)
        if answer.status == 200:
            return answer
        if method != "POST" and _is_missing(answer):
            return None
        raise self.error(answer)

    def _address(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise InputError(f"{name[:80]!r} is no name of a file, such as files/abc-123.")
        return f"{self.origin}/v1beta/{name}"


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    """Give a large body in pieces, so that others get their turn in between."""
    for at in range(0, len(body), _PIECE):
        yield body[at : at + _PIECE]


def _throttled(said: ApiError) -> Exception:
    if said.for_storage:
        return Refused(
            "The account's storage for files is full (20 GB per project): delete files there, or resume when they have "
            "gone by themselves, after at most 48 hours."
        )
    if said.for_the_day:
        return Refused("The account's quota for the day is used up; resume tomorrow.")
    return Throttled("the server asked for fewer calls (HTTP 429)", retry_after=said.retry_after)


def _decoded(answer: Response, kind: type[_Read]) -> _Read:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except UNREADABLE:
        raise Unreachable("the server's answer about a file cannot be read", status=answer.status) from None


def _is_missing(answer: Response) -> bool:
    """Whether an answer says that there is no such file: 404, or 403 with the words for both."""
    return answer.status == 404 or (answer.status == 403 and "may not exist" in read_error(answer).message)
