"""Behaviours as people write them: a mapping in a YAML file or of a command line, with every name checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from penstock.errors import InputError
from penstock.testing.latency import Latency

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Kind = TypeVar("Kind")


def read_mapping(path: Path) -> dict[str, Any]:
    """Read one mapping from a YAML file.

    Raises:
        InputError: The file cannot be read, or holds something else.
    """
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.ValidationError as error:
        raise InputError(f"{path} must hold one mapping, such as `latency: 0.2`.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}.") from error


def parse(kind: type[Kind], values: Mapping[str, Any], *, source: str, within: Mapping[str, Sequence[str]]) -> Kind:
    """Make a behaviour of values as they come from YAML, JSON or a command line.

    Args:
        kind: Dataclass of the behaviour.
        values: By the names of its fields.
        source: What the messages begin with.
        within: The names that are known in those fields that are mappings themselves, besides `latency`.

    Raises:
        InputError: A name is unknown, or a value does not fit.
    """
    refuse_unknown(values, names_of(kind), source=source)
    for name, known in {"latency": names_of(Latency), **within}.items():
        if isinstance(values.get(name), Mapping):
            refuse_unknown(values[name], known, source=f"{source}: `{name}`")
    try:
        return msgspec.convert(values, type=kind, str_keys=True)
    except msgspec.ValidationError as error:
        raise InputError(f"{source} does not fit: {str(error).replace('$.', '')}.") from error
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def refuse_unknown(values: Mapping[str, Any], known: Sequence[str], *, source: str) -> None:
    """Make sure that every name is known.

    Raises:
        InputError: One is not; names one that is near, else all.
    """
    for name in values:
        if name not in known:
            raise InputError(f"{source} has no {name!r}{hint(str(name), known)}")


def check_shares(setting: str, shares: Mapping[Any, float], known: Sequence[str]) -> None:
    """Make sure that faults have known names, and shares that are shares.

    Raises:
        InputError: They have not.
    """
    for name, share in shares.items():
        if name not in known:
            raise InputError(f"`{setting}` has no {name!r}{hint(name, known)}")
        if not 0 <= share <= 1:
            raise InputError(f"`{setting}.{name}` must lie between 0 and 1, not {share}.")
    if sum(shares.values()) > 1 + 1e-9:
        raise InputError(f"The shares in `{setting}` add up to more than 1; make them smaller.")


def hint(name: str, known: Sequence[str]) -> str:
    """Point to the name that was meant, or list all."""
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}."


def names_of(kind: Any) -> list[str]:
    """Names of the fields of a dataclass."""
    return [each.name for each in fields(kind)]
