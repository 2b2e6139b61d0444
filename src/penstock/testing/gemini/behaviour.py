"""How the Gemini of the tests behaves: one value, written in Python or in a YAML file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from penstock.errors import InputError
from penstock.testing.written import read_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Amount = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]

PLACES = ("start", "upload", "query", "get", "generate", "delete")
"""What a request is for: `start` begins an upload, `upload` brings a chunk, `query` asks how far it is."""

TROUBLES = ("500", "503", "hang", "reset", "applied_then_503")
"""`hang`: no answer; `reset`: the connection closes; `applied_then_503`: done, but 503 is said."""

SPECIAL = ("upload_half", "upload_lost", "processing_failed")
"""`upload_half`: half a chunk is kept, then the connection closes; `upload_lost`: the upload is forgotten (404);
`processing_failed`: the file ends as FAILED."""

GEMINI_FAULTS: tuple[str, ...] = (*(f"{place}_{trouble}" for place in PLACES for trouble in TROUBLES), *SPECIAL)


class GeminiBehaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the Gemini of the tests behaves; without arguments it takes and answers everything at once.

    Attributes:
        seed: Everything drawn by lot follows from it, from what is asked and from how often it was asked.
        latency: Seconds an answer to a prompt takes.
        processing_s: Seconds until an uploaded file is ACTIVE.
        capacity: Prompts in flight beyond which it refuses with 429; None: any number.
        retry_after: Seconds named with each refusal.
        faults: Share of the requests of each place that meet each fault, by name.
        hang_seconds: How long a hang lasts before the connection closes.
        api_key: The one key that is let in; None: any, or none.
        models: The names that are known; empty: every name.
        largest_bytes: Of one file.
        storage_bytes: Of all files together.
        kept_s: Seconds after which a file goes by itself.
        granularity: Bytes that every chunk of an upload but the last must be a multiple of.
        scores_from: What decides the scores: the `content` (text or video) alone, or the whole `prompt` with the
            system instruction, so that other categories get other scores.

    Raises:
        InputError: When a fault is unknown, or the shares of a place add up to more than 1.
    """

    seed: int = 0
    latency: Amount = 0.0
    processing_s: Amount = 0.0
    capacity: Count | None = None
    retry_after: Amount = 1.0
    faults: dict[str, Share] = msgspec.field(default_factory=dict[str, float])
    hang_seconds: Amount = 600.0
    api_key: str | None = None
    models: tuple[str, ...] = ()
    largest_bytes: Count = 2 * 1024**3
    storage_bytes: Count = 20 * 1024**3
    kept_s: Amount = 48 * 3600.0
    granularity: Count = 256 * 1024
    scores_from: Literal["content", "prompt"] = "content"

    def __post_init__(self) -> None:
        for name in self.faults:
            if name not in GEMINI_FAULTS:
                raise InputError(f"`faults` has no {name!r}; known are {', '.join(GEMINI_FAULTS)}.")
        for place in PLACES:
            if sum(share for name, share in self.faults.items() if name.startswith(f"{place}_")) > 1 + 1e-9:
                raise InputError(f"The shares of the faults {place}_... add up to more than 1; make them smaller.")

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show everything but the key."""
        return [(name, value) for name, value in msgspec.structs.asdict(self).items() if name != "api_key"]

    def __repr__(self) -> str:
        return f"GeminiBehaviour({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def fault(self, place: str, draw: float) -> str:
        """Which fault of a place a number from 0 to 1 falls on; empty for none."""
        for name, share in self.faults.items():
            if name.startswith(f"{place}_"):
                draw -= share
                if draw < 0:
                    return name.removeprefix(f"{place}_")
        return ""


def parse_gemini_behaviour(values: Mapping[str, Any], *, source: str = "The behaviour") -> GeminiBehaviour:
    """Return the behaviour that these values describe, as they come from YAML or a command line.

    Raises:
        InputError: When a name is unknown or a value does not fit; the message begins with `source`.
    """
    try:
        return msgspec.convert(values, GeminiBehaviour)
    except msgspec.ValidationError as error:
        raise InputError(f"{source} does not fit: {str(error).replace('$.', '')}.") from error


def read_gemini_behaviour(path: Path) -> GeminiBehaviour:
    """Read a behaviour from a YAML file: one mapping of the names in `GeminiBehaviour`.

    Raises:
        InputError: When the file cannot be read, is no such mapping, or a value does not fit.
    """
    return parse_gemini_behaviour(read_mapping(path), source=str(path))
