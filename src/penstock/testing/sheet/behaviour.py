"""How the sheet server behaves: one value, written in Python or in a YAML file."""

from __future__ import annotations

import math
from collections.abc import Mapping  # noqa: TC003 - read at run time, for the types of the fields
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from penstock.errors import InputError
from penstock.testing.faults import draw
from penstock.testing.latency import Latency
from penstock.testing.written import check_shares, names_of, parse, read_mapping

if TYPE_CHECKING:
    from pathlib import Path

SheetFault: TypeAlias = Literal[
    # Nothing is done.
    "http_429",  # as if another program used the same quota
    "http_500",
    "http_502_html",  # a web page, as Google's front door sends it
    "http_503",
    "reset",  # the connection is reset before the answer
    "hang",  # no answer for `hang_seconds`, then the connection closes
    # It is done, and the client is not told.
    "applied_then_503",
    "applied_then_reset",
    "applied_then_hang",
    # It is done late: `slow_seconds` after it came, whether or not the client still waits.
    "slow",
]
SHEET_FAULTS: tuple[SheetFault, ...] = get_args(SheetFault)
Target: TypeAlias = Literal["reads", "writes", "token", "drive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetBehaviour:
    """How the sheet server behaves; without arguments it has Google's quotas and no faults.

    Attributes:
        seed: Everything drawn by lot follows from it, from the content of a request and from how often it came.
        latency: Seconds an answer takes, or a `Latency`; refusals come at once.
        reads_per_minute_per_user: Within any 60 s; beyond it 429. None: any number.
        writes_per_minute_per_user: The same of writes.
        reads_per_minute_per_project: Of all users together.
        writes_per_minute_per_project: Of all users together.
        reads_per_day: Within any 24 h.
        writes_per_day: Within any 24 h.
        retry_after: Seconds to name in `Retry-After` with each 429; None: none, as Google.
        faults: Share of the requests that meet each fault, by name; at most 1 together.
        faults_on: What meets faults.
        hang_seconds: How long a `hang` lasts before the connection closes.
        slow_seconds: How much longer a `slow` answer takes.
        protected: Ranges that nobody may edit, such as `Sheet1!A1:C4`.
        readonly: Ids of books that may only be read.
        unshared: Ids of books and files that are there but not shared.
        undownloadable: Ids of files whose owner forbids downloads.
        require_token: Only a bearer token of this server's own `/token` is let in.
        token_seconds: How long such a token holds.

    Raises:
        InputError: When a value is out of range.
    """

    seed: int = 0
    latency: float | Latency = 0.0
    reads_per_minute_per_user: int | None = 60
    writes_per_minute_per_user: int | None = 60
    reads_per_minute_per_project: int | None = 300
    writes_per_minute_per_project: int | None = 300
    reads_per_day: int | None = None
    writes_per_day: int | None = None
    retry_after: float | None = None
    faults: Mapping[SheetFault, float] = field(default_factory=dict[SheetFault, float])
    faults_on: tuple[Target, ...] = ("reads", "writes")
    hang_seconds: float = 600.0
    slow_seconds: float = 5.0
    protected: tuple[str, ...] = ()
    readonly: tuple[str, ...] = ()
    unshared: tuple[str, ...] = ()
    undownloadable: tuple[str, ...] = ()
    require_token: bool = False
    token_seconds: float = 3600.0

    def __post_init__(self) -> None:
        if not isinstance(self.latency, Latency):
            Latency(seconds=self.latency)
        for name in names_of(type(self)):
            value = getattr(self, name)
            if name.endswith("_seconds") and not (value > 0 and math.isfinite(value)):
                raise InputError(f"`{name}` must be more than 0, not {value}.")
            if "_per_" in name and value is not None and value < 0:
                raise InputError(f"`{name}` must be 0 or more, not {value}.")
        if self.retry_after is not None and not 0 <= self.retry_after < math.inf:
            raise InputError(f"`retry_after` must be 0 seconds or more, not {self.retry_after}.")
        self._check_faults()

    @property
    def waits(self) -> Latency:
        """The latency as a distribution."""
        return self.latency if isinstance(self.latency, Latency) else Latency(seconds=self.latency)

    def fate(self, content: bytes, *, nth: int, on: Target) -> SheetFault | None:
        """Return the fault that the `nth` request (from 0) with this content meets, if any."""
        if on not in self.faults_on:
            return None
        at = draw(self.seed, content, nth=nth, purpose="fault")
        for fault, share in self.faults.items():
            at -= share
            if at < 0:
                return fault
        return None

    def delay(self, content: bytes, *, nth: int) -> float:
        """Return the seconds that the `nth` answer to this content takes."""
        return self.waits.at(draw(self.seed, content, nth=nth, purpose="latency"))

    def _check_faults(self) -> None:
        check_shares("faults", self.faults, SHEET_FAULTS)


def parse_sheet_behaviour(values: Mapping[str, Any], *, source: str = "The behaviour") -> SheetBehaviour:
    """Return the behaviour that these values describe, as they come from YAML, JSON or a command line.

    Raises:
        InputError: When a name is unknown or a value does not fit; the message begins with `source`.
    """
    return parse(SheetBehaviour, values, source=source, within={"faults": SHEET_FAULTS})


def read_sheet_behaviour(path: Path) -> SheetBehaviour:
    """Read a behaviour from a YAML file: one mapping of the names in `SheetBehaviour`.

    Raises:
        InputError: When the file cannot be read, is no such mapping, or a value does not fit.
    """
    return parse_sheet_behaviour(read_mapping(path), source=str(path))
