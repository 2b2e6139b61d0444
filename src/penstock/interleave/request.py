"""What is known of a request before any ranker is asked: who asks, in which bucket, for which ranking."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from penstock.interleave.coins import bucket, in_sample, pseudonym
from penstock.interleave.returned import key
from penstock.interleave.settings import INTERLEAVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.interleave.snapshot import Held

_ID: Final = re.compile(r"[A-Za-z0-9._:~-]{1,64}")
_DAY: Final = re.compile(r"(\d{8})-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Who the sample is drawn from.

    Attributes:
        kind: "user" or "session".
        name: The pseudonym.
        bucket: From 0 to 9,999.
    """

    kind: str
    name: str
    bucket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request for a ranking.

    Attributes:
        held: The settings in force.
        setting: The mode that was asked for, by the settings or by the caller.
        mode: What is done: INTERLEAVE only for those in the sample.
        unit: Who asks; None for nobody that is known.
        ranking_id: Names the ranking.
        version: The version of the rankings.
        k: Items wanted.
        offset: Items on the pages before.
        began: When it began, by `time.perf_counter`.
    """

    held: Held
    setting: str
    mode: str
    unit: Unit | None
    ranking_id: str
    version: str
    k: int
    offset: int
    began: float

    @property
    def seed(self) -> str:
        """What the coins follow from besides the salt; all of it stands in the record."""
        if self.held.settings.seed_strategy == "user" and self.unit is not None:
            return f"user|{self.unit.name}|{self.version}"
        return f"request|{self.ranking_id}"

    @property
    def seed_id(self) -> str:
        """The seed as the record names it."""
        return f"user:{self.version}" if self.seed.startswith("user|") else "request"


def unit_of(salt: str, user_id: object, session_id: object) -> Unit | None:
    """Say who asks: the user, or else the session, or else nobody; 7, 7.0 and "7" are the same user."""
    for kind, raw in (("user", user_id), ("session", session_id)):
        name = key(raw)
        if name:
            word = f"{kind}:{name}"
            return Unit(kind=kind, name=pseudonym(salt, word), bucket=bucket(salt, word))
    return None


def mode_for(unit: Unit | None, setting: str, rate: float, rankers: Sequence[str]) -> str:
    """Say what is done for somebody: the setting, but the baseline outside the sample."""
    if setting == INTERLEAVE:
        return setting if unit is not None and in_sample(unit.bucket, rate) else rankers[0]
    return setting if setting in rankers else rankers[0]


def ranking_name(given: str | None, seconds: float) -> tuple[str, str]:
    """Name a ranking, and give the day it is of.

    Args:
        given: The name that an earlier page got; it may come from a client, and what is no name is replaced.
        seconds: Since 1970, of a new ranking.
    """
    today = datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d")
    if isinstance(given, str) and _ID.fullmatch(given):
        found = _DAY.match(given)
        return given, found[1] if found else today
    return f"{today}-{os.urandom(10).hex()}", today


def now() -> float:
    """Give the time that requests are measured by, in seconds."""
    return time.perf_counter()
