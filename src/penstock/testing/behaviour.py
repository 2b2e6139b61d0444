"""How a test server behaves: one value, written in Python or in a YAML file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from penstock.errors import InputError
from penstock.testing.faults import BATCH_FAULTS, FAULTS, Fault
from penstock.testing.latency import Latency
from penstock.testing.written import check_shares, parse, read_mapping

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the test server behaves; without arguments it answers everything at once.

    Attributes:
        seed: Everything drawn by lot follows from it, from the content of a call and from how often it was asked.
        latency: Seconds an answer takes, or a `Latency`; hidden refusals (429) come at once.
        capacity: Most calls in flight at once; or, by seconds passed, `{0: 48, 30: 12, 60: 48}`. None: any number.
        since: What the seconds of `capacity` are counted from.
        overflow: Calls beyond the capacity are refused with 429, or wait their turn.
        rate: Calls per second; beyond it 429.
        burst: Calls that `rate` lets through at once after a quiet time; None: one second's worth, at least one.
        requests_per_minute: Beyond it 429.
        tokens_per_minute: Tokens of the prompt and of the answer; beyond it 429.
        burst_seconds: How many seconds' worth of the limits per minute may be used at once after a quiet time.
        rate_headers: Send `x-ratelimit-*` headers that tell the limits per minute.
        retry_after: Seconds to name in `Retry-After` with each 429; `exact`: the true ones, rounded up; None: none.
        faults: Share of the admitted calls that meet each fault, by name; at most 1 together.
        sticky: Faults that a content meets for ever once it meets them; the others may pass at the next call.
        hang_seconds: How long a `hang` lasts before the connection closes.
        api_key: The one key that is let in; None: any, or none.
        models: The names that are known; empty: every name.
        structured: What `response_format` may ask for: `json_schema` (and `json_object`), only `json_object`, `none`.
        scores_from: What decides the scores: the `text` alone, or the whole `prompt` (system message and text), so that
            the same text gets other scores for other categories. `expected_scores` predicts both.
        unsupported: Fields of a request that are turned down with 400, such as `temperature`.
        batches: Whether there are `/files` and `/batches`.
        batch_seconds: How long a batch takes.
        batch_lines: Most questions in one batch.
        batch_bytes: Largest file.
        batch_tokens: Tokens that all unfinished batches may have together; one that is beyond it fails. None: any.
        batch_expired: Share of the questions in a batch that are not answered in time.
        batch_faults: Share of the calls to `/files` and `/batches` that meet each fault: a server error before
            anything was done, or a `drop` after it was done.

    Raises:
        InputError: When a value is out of range.
    """

    seed: int = 0
    latency: float | Latency = 0.0
    capacity: int | Mapping[float, int] | None = None
    since: Literal["first_request", "start"] = "first_request"
    overflow: Literal["refuse", "wait"] = "refuse"
    rate: float | None = None
    burst: int | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    burst_seconds: float = 60.0
    rate_headers: bool = False
    retry_after: float | Literal["exact"] | None = None
    faults: Mapping[Fault, float] = field(default_factory=dict[Fault, float])
    sticky: tuple[Fault, ...] = ()
    hang_seconds: float = 600.0
    api_key: str | None = field(default=None, repr=False)
    models: tuple[str, ...] = ()
    structured: Literal["json_schema", "json_object", "none"] = "json_schema"
    scores_from: Literal["text", "prompt"] = "text"
    unsupported: tuple[str, ...] = ()
    batches: bool = True
    batch_seconds: float = 0.0
    batch_lines: int = 50_000
    batch_bytes: int = 200 * 1024 * 1024
    batch_tokens: int | None = None
    batch_expired: float = 0.0
    batch_faults: Mapping[Fault, float] = field(default_factory=dict[Fault, float])

    def __post_init__(self) -> None:
        if not isinstance(self.latency, Latency):
            Latency(seconds=self.latency)
        self._check_limits()
        self._check_faults()
        self._check_batches()

    @property
    def waits(self) -> Latency:
        """The latency as a distribution."""
        return self.latency if isinstance(self.latency, Latency) else Latency(seconds=self.latency)

    @property
    def steps(self) -> tuple[tuple[float, int], ...]:
        """The capacity as `(from second, at most)`, in the order of time."""
        if self.capacity is None:
            return ()
        return tuple(sorted(self.capacity.items())) if isinstance(self.capacity, Mapping) else ((0.0, self.capacity),)

    def _check_limits(self) -> None:
        for name in ("rate", "burst", "requests_per_minute", "tokens_per_minute", "burst_seconds", "hang_seconds"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise InputError(f"`{name}` must be more than 0, not {value}.")
        if self.burst is not None and self.rate is None:
            raise InputError("`burst` belongs to `rate`: set `rate` too, or leave both out.")
        if isinstance(self.retry_after, int | float) and not 0 <= self.retry_after < math.inf:
            raise InputError(f"`retry_after` must be 0 seconds or more, not {self.retry_after}.")
        for second, most in self.steps:
            if not 0 <= second < math.inf or most < 0:
                raise InputError(f"`capacity` cannot be {most} from second {second}: both must be 0 or more.")

    def _check_faults(self) -> None:
        check_shares("faults", self.faults, FAULTS)
        for name in self.sticky:
            if name not in self.faults:
                raise InputError(f"`sticky` names {name!r}, which has no share in `faults`; give it one.")

    def _check_batches(self) -> None:
        check_shares("batch_faults", self.batch_faults, BATCH_FAULTS)
        for name in ("batch_lines", "batch_bytes", "batch_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"`{name}` must be more than 0, not {value}.")
        if not 0 <= self.batch_seconds < math.inf:
            raise InputError(f"`batch_seconds` must be 0 or more, not {self.batch_seconds}.")
        if not 0 <= self.batch_expired <= 1:
            raise InputError(f"`batch_expired` must lie between 0 and 1, not {self.batch_expired}.")


def parse_behaviour(values: Mapping[str, Any], *, source: str = "The behaviour") -> Behaviour:
    """Return the behaviour that these values describe, as they come from YAML, JSON or a command line.

    Raises:
        InputError: When a name is unknown or a value does not fit; the message begins with `source`.
    """
    return parse(Behaviour, values, source=source, within={"faults": FAULTS, "batch_faults": BATCH_FAULTS})


def read_behaviour(path: Path) -> Behaviour:
    """Read a behaviour from a YAML file: one mapping of the names in `Behaviour`.

    Raises:
        InputError: When the file cannot be read, is no such mapping, or a value does not fit.
    """
    return parse_behaviour(read_mapping(path), source=str(path))
