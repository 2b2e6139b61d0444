"""What a model costs: a table of public list prices with their dates, and what the user says instead.

A price is never guessed: a name that the table does not have, and a server that is not the provider's own, have none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from penstock.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.models.spec import ModelSpec
    from penstock.records import Usage

HOSTS = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gemini",
}
"""Hosts whose list prices the table has, and the provider that its names begin with, whatever protocol is spoken."""

BATCH = 0.5
"""What the providers' batch APIs take of the price, where nothing else is known."""

GIVEN = "given"
"""The source of a price that the user has set."""

_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{3}|latest)$")
_MILLION = 1_000_000

_Usd = Annotated[float, Meta(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model takes for its tokens.

    Attributes:
        usd_in: USD per million prompt tokens.
        usd_out: USD per million tokens of replies, thinking included.
        usd_cached: USD per million prompt tokens that the provider remembered, where that is known; costs are counted
            without this discount.
        batch: What the provider's batch API takes of these prices.
        as_of: Day on which it was last seen, `YYYY-MM-DD`; empty for one that the user gave.
        source: Page to check it against, or `given`.
    """

    usd_in: float
    usd_out: float
    usd_cached: float | None = None
    batch: float = BATCH
    as_of: str = ""
    source: str = GIVEN

    def cost(self, usage: Usage, *, batch: bool = False) -> float:
        """Say what the tokens of a usage cost, in USD; its own `cost_usd` is not looked at."""
        return self.of(tokens_in=usage.tokens_in, tokens_out=usage.tokens_out) * (self.batch if batch else 1.0)

    def of(self, *, tokens_in: float, tokens_out: float) -> float:
        """Say what so many tokens cost, in USD."""
        return (tokens_in * self.usd_in + tokens_out * self.usd_out) / _MILLION


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    usd_in: _Usd = msgspec.field(name="in")
    usd_out: _Usd = msgspec.field(name="out")
    cached: _Usd | None = None
    batch: Annotated[float, Meta(gt=0, le=1)] = BATCH
    as_of: date | None = None
    source: str = GIVEN

    def price(self) -> Price:
        return Price(
            usd_in=self.usd_in,
            usd_out=self.usd_out,
            usd_cached=self.cached,
            batch=self.batch,
            as_of=self.as_of.isoformat() if self.as_of else "",
            source=self.source,
        )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    models: list[_Entry]


def price_of(spec: ModelSpec, *, path: Path | None = None) -> Price | None:
    """Find what a settled spec's model costs; None where that is not known.

    The spec's own prices win, then the user's file, then the table. A name with a date (`gpt-4o-2024-08-06`) is looked
    up as it stands, then without the date. The table is about the providers' own addresses; a file of the user names
    `provider/model` at whatever address.

    Args:
        spec: The model.
        path: A YAML file of the user's own in the layout of the table.

    Raises:
        InputError: Only one of the two prices is set and the other is not known, or the file cannot be used.
    """
    known = _known(spec, path)
    if spec.price_in is None and spec.price_out is None:
        return known
    if known is None and (spec.price_in is None or spec.price_out is None):
        raise InputError(f"The price of {spec.name} is only half known: give both --price-in and --price-out.")
    usd_in = known.usd_in if known and spec.price_in is None else spec.price_in
    usd_out = known.usd_out if known and spec.price_out is None else spec.price_out
    return Price(usd_in=usd_in or 0.0, usd_out=usd_out or 0.0, batch=known.batch if known else BATCH)


def needed(spec: ModelSpec, *, path: Path | None = None) -> Price:
    """Find what a model costs, for those who cannot go on without it.

    Raises:
        InputError: It is not known.
    """
    price = price_of(spec, path=path)
    if price is None:
        raise InputError(
            f"The price of {spec.name} at {spec.base_url} is not known, so a budget cannot be kept: give "
            "--price-in and --price-out, in USD per million tokens (0 where it is free)."
        )
    return price


def listed(*, path: Path | None = None) -> dict[str, Price]:
    """List what is known, by `provider/model` in the order of the table; the user's own file comes first.

    Raises:
        InputError: The file cannot be used.
    """
    own = _own(path) if path else {}
    return {**own, **{name: price for name, price in _table().items() if name not in own}}


def found(name: str, *, path: Path | None = None) -> Price | None:
    """Find the price of a `provider/model` at its provider's own address, with or without a date in its name."""
    return _named(listed(path=path), name)


def _known(spec: ModelSpec, path: Path | None) -> Price | None:
    if path is not None and (own := _named(_own(path), spec.name)):
        return own
    provider = HOSTS.get(urlsplit(spec.base_url).hostname or "")
    return _named(_table(), f"{provider}/{spec.model}") if provider else None


def _named(prices: dict[str, Price], name: str) -> Price | None:
    provider, _, model = name.partition("/")
    name = f"{provider}/{model.removeprefix('models/')}"
    return prices.get(name) or prices.get(_DATED.sub("", name))


@cache
def _table() -> dict[str, Price]:
    return _read(files("penstock.models").joinpath("prices.yaml").read_bytes(), where="The price table")


def _own(path: Path) -> dict[str, Price]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"The price file {path} cannot be read: {error.strerror}.") from error
    return _read(content, where=f"The price file {path}")


def _read(content: bytes, *, where: str) -> dict[str, Price]:
    try:
        file = msgspec.yaml.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        told = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"{where} cannot be used: {told}; it lists `models:`, each like {{name: openai/NAME, in: 0.2, out: 1.6}}."
        ) from error
    return {entry.name: entry.price() for entry in file.models}
