"""Settings from the Parameter Store of AWS Systems Manager, all of them in one call.

The parameters are `/reco/exp/mode`, `/reco/exp/sampling_rate`, `/reco/exp/parallel_enabled`,
`/reco/exp/interleave_method`, `/reco/exp/seed_strategy` and `/reco/candidate/pool_size`. An account may ask for 40 a
second by default, and a request waits for the answer once per time to live; so a call is short, and never repeated by
the client: the snapshot comes back later.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, cast

from penstock.errors import InputError, MissingExtra, PenstockError, Refused, Throttled, Unreachable
from penstock.interleave.settings import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.interleave.sources import Source

_FOLDERS = {"pool_size": "candidate"}  # all others are in `exp`
_TOO_OFTEN = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"}


class _Client(Protocol):
    """What is needed of boto3's client."""

    def get_parameters(self, *, Names: list[str], WithDecryption: bool) -> Mapping[str, Any]:  # noqa: N803 - AWS's names
        """Ask for up to ten parameters."""
        ...


def from_ssm(
    prefix: str = "/reco",
    *,
    client: object | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
    connect_timeout: float = 0.2,
    read_timeout: float = 0.3,
) -> Source:
    """Read the Parameter Store; what is not there counts as not given.

    Nothing is imported or connected before the first reading, which takes far longer than those after it, as it loads
    boto3: call the snapshot's `warm()` before the first request. A forked child makes a client of its own.

    Args:
        prefix: What the names of the parameters begin with.
        client: A client of boto3 to use instead of an own one; its time limits and retries are the caller's.
        region: Where the parameters are; None leaves it to the environment.
        endpoint_url: Where to ask instead of AWS.
        connect_timeout: Seconds to make the connection.
        read_timeout: Seconds to wait for the answer.

    Raises:
        InputError: The prefix does not begin with a slash. At each call of the source: MissingExtra where boto3 is not
            installed, Refused, Throttled or Unreachable as Systems Manager answered.
    """
    prefix = prefix.rstrip("/")
    if prefix and not prefix.startswith("/"):
        raise InputError(f"The prefix {prefix!r} names no folder of parameters: begin it with a slash.")
    options = {"region_name": region, "endpoint_url": endpoint_url}
    return _ParameterStore(prefix, client, options, connect_timeout=connect_timeout, read_timeout=read_timeout)


class _ParameterStore:
    """Asks for all parameters at once; its client is made when it is first needed."""

    def __init__(
        self,
        prefix: str,
        client: object | None,
        options: Mapping[str, str | None],
        *,
        connect_timeout: float,
        read_timeout: float,
    ) -> None:
        self._prefix = prefix
        self._names = {f"{prefix}/{_FOLDERS.get(name, 'exp')}/{name}": name for name in NAMES}
        self._given = cast("_Client | None", client)
        self._options = options
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        # By process: a connection that a child shares with its parent would mix up their answers, and a lock that a
        # thread of the parent held would never open.
        self._clients: dict[int, _Client] = {}
        self._locks: dict[int, Lock] = {}

    def __str__(self) -> str:
        return f"SSM Parameter Store ({self._prefix or '/'})"

    def __call__(self) -> Mapping[str, object]:
        answer = self._ask()
        try:
            found = {each["Name"]: each["Value"] for each in answer["Parameters"]}
        except (KeyError, TypeError) as error:
            raise Unreachable(f"{self} gave an answer that is none of its own: is the address right?") from error
        return {short: found[name] for name, short in self._names.items() if name in found}

    def _ask(self) -> Mapping[str, Any]:
        try:
            from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
            from botocore.exceptions import ConnectionError as NoConnection
            from botocore.parsers import ResponseParserError
        except ImportError as error:
            raise MissingExtra("SSM Parameter Store", "ssm") from error
        try:
            return self._client().get_parameters(Names=list(self._names), WithDecryption=True)
        except ClientError as error:
            raise self._translated(cast("dict[str, Any]", error.response)) from error
        except (NoConnection, HTTPClientError, ResponseParserError, AttributeError, TypeError) as error:
            # The last two are what boto3 raises itself for JSON of another form.
            raise Unreachable(f"{self} gave no usable answer ({type(error).__name__}).") from error
        except BotoCoreError as error:  # no credentials, no region, an address that is none
            raise InputError(
                f"{self} cannot be asked ({type(error).__name__}): check region and credentials."
            ) from error

    def _translated(self, response: Mapping[str, Any]) -> PenstockError:
        """Say what Systems Manager meant, without its own words: they name accounts and roles."""
        code = response.get("Error", {}).get("Code", "no code")
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if code in _TOO_OFTEN or status == 429:
            return Throttled(
                f"{self} was asked too often ({code}): raise the time to live or its limit.", status=status
            )
        if status is None or status >= 500:
            return Unreachable(f"{self} had an error of its own ({code}, {status}).", status=status)
        return Refused(f"{self} refused ({code}): the role needs ssm:GetParameters, and kms:Decrypt for secrets.")

    def _client(self) -> _Client:
        if self._given is not None:
            return self._given
        pid = os.getpid()
        with self._locks.setdefault(pid, Lock()):
            if pid not in self._clients:
                self._clients[pid] = self._make()
            return self._clients[pid]

    def _make(self) -> _Client:
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise MissingExtra("SSM Parameter Store", "ssm") from error
        limits = Config(
            connect_timeout=self._connect_timeout,
            read_timeout=self._read_timeout,
            retries={"total_max_attempts": 1},
        )
        # A session of its own: boto3's default one is not to be shared between threads.
        session: Any = boto3.Session()
        return cast("_Client", session.client("ssm", config=limits, **self._options))
