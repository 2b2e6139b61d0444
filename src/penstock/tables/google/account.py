"""Who asks Google: nobody, the bearer of a token, or an account whose tokens are fetched and renewed here.

Tokens come from google-auth, which knows every kind of credentials. It is synchronous, so it runs in a thread; its
requests go through the same HTTP client as all others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import anyio.from_thread
import anyio.to_thread

from penstock.errors import InputError, MissingExtra, Refused, Unreachable
from penstock.web.hide import hide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.web.transport import Http

_TIMEOUT = 30.0  # seconds for one request for a token
_SPEAKABLE = re.compile(r"[ -~]{1,160}")


class Authorizer(Protocol):
    """Gives the headers that let a request in."""

    @property
    def account(self) -> str:
        """E-mail address of the account, for people to share a sheet with; empty when unknown."""
        ...

    @property
    def source(self) -> str:
        """Where its credentials come from, for messages; empty when there are none."""
        ...

    async def headers(self) -> dict[str, str]:
        """Give headers that are good for some time; many tasks may call it at once.

        Raises:
            Refused: The account is turned away, or its file cannot be used.
            Unreachable: No token could be fetched now.
        """
        ...

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Fetch a new token because `used` was turned down; False where there can be no other one.

        Raises:
            Refused: The account is turned away.
            Unreachable: No token could be fetched now.
        """
        ...


class Nobody:
    """Sends no credentials: for rehearsals."""

    account = ""
    source = ""

    async def headers(self) -> dict[str, str]:
        """Give none."""
        return {}

    async def renew(self, used: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's name
        """There is nothing to renew."""
        return False


class ReadyToken:
    """Sends a token that somebody else has fetched."""

    account = ""

    def __init__(self, token: str, *, source: str) -> None:
        self._token = token
        self.source = source

    async def headers(self) -> dict[str, str]:
        """Give the token as it is."""
        return {"Authorization": f"Bearer {self._token}"}

    async def renew(self, used: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's name
        """There is no other one."""
        return False


class GoogleAccount:
    """Sends tokens of an account, fetched when needed and renewed before they expire, one fetch at a time."""

    def __init__(
        self, load: Callable[[Any], Any], *, http: Http, source: str, account: str = "", secrets: tuple[str, ...] = ()
    ) -> None:
        """Remember what to load; nothing is read or sent yet.

        Args:
            load: Makes google-auth's credentials, in a thread; is given google-auth's kind of request.
            http: What sends the requests; its owner closes it.
            source: Where the credentials come from, for messages.
            account: E-mail address, where it is known.
            secrets: What no message may hold.
        """
        self._load = load
        self._http = http
        self.source = source
        self.account = account
        self._secrets = secrets
        self._credentials: Any = None
        self._lock = anyio.Lock()
        self._threads = anyio.CapacityLimiter(1)

    async def headers(self) -> dict[str, str]:
        """Give headers with a token that is still good for some minutes.

        Raises:
            Refused: The account is turned away, or its file cannot be used.
            Unreachable: No token could be fetched now.
        """
        async with self._lock:
            await self._ready()
            return self._applied()

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Fetch a new token, unless another task has done so since `used` was given.

        Raises:
            Refused: The account is turned away.
            Unreachable: No token could be fetched now.
        """
        async with self._lock:
            await self._ready()
            if self._applied() == dict(used):
                await self._refresh()
            return True

    async def _ready(self) -> None:
        from google.auth.credentials import TokenState

        if self._credentials is None:
            self._credentials = await self._in_thread(self._load)
        state = self._credentials.token_state
        if state is TokenState.FRESH:
            return
        try:
            await self._refresh()
        except Unreachable:
            if state is TokenState.INVALID:
                raise

    def _applied(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        self._credentials.apply(headers)
        return headers

    async def _refresh(self) -> None:
        await self._in_thread(self._credentials.refresh)

    async def _in_thread(self, act: Callable[[Any], Any]) -> Any:
        """Run something of google-auth's and translate its errors, which may hold pieces of what was sent."""
        from google.auth import exceptions

        try:
            return await anyio.to_thread.run_sync(act, _Request(self._http), limiter=self._threads)
        except exceptions.TransportError as error:
            raise Unreachable(f"no token could be fetched: {error}") from None
        except exceptions.RefreshError as error:
            if getattr(error, "retryable", False):
                raise Unreachable(f"no token could be fetched{self._reason(error)}") from None
            raise Refused(
                f"Google turned the credentials of {self.source} down{self._reason(error)}: make a new key, or log in "
                f"again."
            ) from None
        except (exceptions.GoogleAuthError, ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"The credentials of {self.source} cannot be used: download or make them again.") from None

    def _reason(self, error: Exception) -> str:
        """What the token server said, if it is a sentence that holds no secret."""
        said = str(error.args[0]) if error.args else ""
        if not _SPEAKABLE.fullmatch(said) or hide(said, *self._secrets) != said:
            return ""
        return f" ({said})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """An answer in google-auth's shape."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Request:
    """Sends google-auth's requests, from its thread, through our client in the event loop."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def __call__(  # google-auth's own signature
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Answer:
        from google.auth import exceptions

        content = body.encode() if isinstance(body, str) else body or b""
        send = partial(
            self._http.send, method, url, headers=dict(headers or {}), body=content, timeout=timeout or _TIMEOUT
        )
        try:
            answer = anyio.from_thread.run(send)
        except Unreachable as error:
            raise exceptions.TransportError(str(error)) from error  # type: ignore[no-untyped-call]
        return _Answer(status=answer.status, headers=answer.headers, data=answer.body)


def require_google_auth() -> None:
    """Make sure that google-auth is installed.

    Raises:
        MissingExtra: It is not.
    """
    try:
        found = find_spec("google.auth")
    except ImportError:  # not even the package around it
        found = None
    if found is None:
        raise MissingExtra("Google Sheets", "sheets")
