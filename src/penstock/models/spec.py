"""Which model is asked, where, and how hard it may be pushed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from penstock.errors import InputError
from penstock.flow.pace import FIRST

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_URL = "https://api.anthropic.com"
GEMINI_URL = "https://generativelanguage.googleapis.com"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")

Count = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A format in which models are asked, and what its users have in their environments.

    Attributes:
        url: Where its makers serve it.
        url_variables: Environment variables that name another address; the first that is set counts.
        key_variables: Environment variables that hold the key; the first that is set counts.
        version: End of an address that may be left out or written; it is no part of the server's name.
    """

    url: str
    url_variables: tuple[str, ...]
    key_variables: tuple[str, ...]
    version: str = ""

    def base_url(self, given: str, environment: Mapping[str, str]) -> str:
        """Find the address: the one that was given, that of the environment, or that of its makers."""
        named = next((environment[name] for name in self.url_variables if environment.get(name)), self.url)
        url = (given or named).strip()
        check_address(url)
        return url.rstrip("/").removesuffix(self.version).rstrip("/") if self.version else url.rstrip("/")

    def key_variable(self, environment: Mapping[str, str]) -> str:
        """Find the variable that holds the key, or that names a file that does."""
        named = (name for name in self.key_variables if environment.get(name) or environment.get(f"{name}_FILE"))
        return next(named, self.key_variables[0])


PROVIDERS = {
    "openai": Provider(url=OPENAI_URL, url_variables=("OPENAI_BASE_URL",), key_variables=("OPENAI_API_KEY",)),
    "gemini": Provider(
        url=GEMINI_URL,
        url_variables=("GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"),
        key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        version="/v1beta",
    ),
    "anthropic": Provider(
        url=ANTHROPIC_URL,
        url_variables=("ANTHROPIC_BASE_URL",),
        key_variables=("ANTHROPIC_API_KEY",),
        version="/v1",
    ),
}
"""By the first part of a model's name."""


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which model, where, and how hard it may be pushed; holds no secret, so it can be written down.

    Attributes:
        name: `provider/model`, such as `openai/qwen3:8b`, `gemini/gemini-3.5-flash` or `anthropic/claude-haiku-5-5`.
        base_url: Address of the server, for `openai` up to the version; empty means the one that the provider's
            variable names (`OPENAI_BASE_URL`, `GEMINI_BASE_URL`, `ANTHROPIC_BASE_URL`), else the provider's own.
        key_variable: Environment variable that holds the key; with `_FILE` appended, one that names a file. Empty
            means the provider's usual one.
        timeout: Seconds for one call.
        attempts: Tries per call before it fails for now; refusals for asking too often are not counted.
        patience: Seconds without any answer after which the run stops.
        concurrency: Most calls in flight; how many the server bears is found out.
        first: Calls in flight to begin with; more than a few only where the server is known to bear them.
        requests_per_minute: A known limit, where there is one.
        tokens_per_minute: A known limit, where there is one.
        temperature: 0 for the likeliest answer; None leaves it to the server.
        max_tokens: Longest reply; None leaves it to the server.
        price_in: USD per million prompt tokens; None looks it up in the table.
        price_out: USD per million tokens of replies; None looks it up in the table.
    """

    name: str
    base_url: str = ""
    key_variable: str = ""
    timeout: Positive = 60.0
    attempts: Count = 5
    patience: Positive = 300.0
    concurrency: Annotated[int, Meta(ge=1, le=10_000)] = 256
    first: Annotated[int, Meta(ge=1, le=10_000)] = FIRST
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = 0.0
    max_tokens: Count | None = None
    price_in: Annotated[float, Meta(ge=0)] | None = None
    price_out: Annotated[float, Meta(ge=0)] | None = None

    @property
    def provider(self) -> str:
        """The format in which it is asked: `openai`, `gemini` or `anthropic`."""
        return self.name.partition("/")[0]

    @property
    def model(self) -> str:
        """The server's own name for the model."""
        return self.name.partition("/")[2]

    def settled(self, environment: Mapping[str, str] = os.environ) -> ModelSpec:
        """Check the spec, and fill in the address and the name of the key's variable.

        Raises:
            InputError: Unknown provider, no model name, a number out of its range, or an address that is none.
        """
        provider = PROVIDERS.get(self.provider)
        if provider is None or not self.model:
            raise InputError(
                f"Unknown model {self.name!r}: write openai/NAME, gemini/NAME or anthropic/NAME, "
                "or local for the embedded judge."
            )
        if self.key_variable and not _VARIABLE.fullmatch(self.key_variable):  # not shown: it may be the key itself
            raise InputError(
                "The variable of the key (--key-variable) must be the name of an environment variable, such as "
                "OPENAI_API_KEY, and never the key itself."
            )
        try:
            msgspec.convert(msgspec.structs.asdict(self), ModelSpec)
        except msgspec.ValidationError as error:
            raise InputError(f"A setting of the model {self.name!r} cannot be used: {error}.") from error
        return msgspec.structs.replace(
            self,
            base_url=provider.base_url(self.base_url, environment),
            key_variable=self._key_variable(environment),
        )

    def key(self, environment: Mapping[str, str] = os.environ) -> str:
        """Read the key from the environment, or from the file it names; empty when there is none.

        Raises:
            InputError: The named file cannot be read, or what is there can be no key.
        """
        variable = self._key_variable(environment)
        key = environment.get(variable, "")
        path = environment.get(f"{variable}_FILE", "")
        if path and not key:
            try:
                key = Path(path).read_text(encoding="utf-8")
            except (OSError, ValueError):  # whose message may hold a piece of the key
                raise InputError(f"{variable}_FILE names {path!r}, which cannot be read as text.") from None
        key = key.strip()
        if not all("!" <= character <= "~" for character in key):
            raise InputError(f"{variable} holds no key: a key is one line of ASCII without spaces.")
        return key

    def _key_variable(self, environment: Mapping[str, str]) -> str:
        provider = PROVIDERS.get(self.provider)
        return self.key_variable or (provider.key_variable(environment) if provider else "")


def check_address(url: str) -> None:
    """Make sure that a base URL can be asked, and holds no secret that would end up in messages and ledgers.

    Raises:
        InputError: It is no http(s) address, or more than an address.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:
        fits, parts = False, None
    if parts is not None and ("@" in parts.netloc or parts.query or parts.fragment):
        raise InputError(
            "The base URL must be an address alone, such as http://127.0.0.1:8000/v1, without a name, a password or a "
            "query in it: put the key into the environment."
        )
    if not fits:
        raise InputError(f"The base URL {url!r} is not an http(s) address, such as http://127.0.0.1:8000/v1.")
