"""Where settings come from: anything that can be called and gives them by their short names.

A function that asks AppConfig or a feature store is a source as it is. Those made here read anew at each call, so that
what was changed outside is seen at the next refresh, and say in words where they read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from penstock.errors import InputError
from penstock.interleave.settings import NAMES

if TYPE_CHECKING:
    from pathlib import Path

Source = Callable[[], Mapping[str, object]]
"""Gives the settings of this moment, as words or typed, by short name; raises where it cannot."""


def source_of(given: Source | Mapping[str, object]) -> Source:
    """Take a source as it is, and make one of a mapping.

    Raises:
        InputError: It is neither.
    """
    if callable(given):
        return given
    if not hasattr(given, "keys"):
        raise InputError(f"Settings cannot be read from {type(given).__name__}: give a dict or a function.")
    return from_mapping(given)


def name_of(source: Source) -> str:
    """Say in words where a source reads."""
    own = getattr(source, "__qualname__", None)
    return f"{own}()" if isinstance(own, str) else str(source)


def from_mapping(values: Mapping[str, object]) -> Source:
    """Read a dict; it may be changed, and the next refresh sees it."""
    return _Given(values)


def from_environment(prefix: str = "RECO_", *, environ: Mapping[str, str] | None = None) -> Source:
    """Read environment variables: `RECO_MODE`, `RECO_SAMPLING_RATE` and so on; an empty one counts as not set.

    Args:
        prefix: What their names begin with.
        environ: Instead of the environment of this process.
    """
    return _Environment(prefix, environ)


def from_file(path: str | os.PathLike[str]) -> Source:
    """Read a JSON or TOML file with the settings at its top level.

    Raises:
        InputError: The name ends neither in `.json` nor in `.toml`; and at each call of the source, when the file
            cannot be read.
    """
    from pathlib import Path  # slow to load, and few read settings from a file

    path = Path(path)
    if path.suffix.lower() not in {".json", ".toml"}:
        raise InputError(f"Settings cannot be read from {path}: give a .json or a .toml file.")
    return _File(path)


@dataclass(frozen=True, slots=True)
class _Given:
    values: Mapping[str, object]

    def __call__(self) -> Mapping[str, object]:
        return dict(self.values)

    def __str__(self) -> str:
        return "the given values"


@dataclass(frozen=True, slots=True)
class _Environment:
    prefix: str
    environ: Mapping[str, str] | None

    def __call__(self) -> Mapping[str, object]:
        environ = os.environ if self.environ is None else self.environ
        found = {name: environ.get(self.prefix + name.upper()) for name in NAMES}
        return {name: value for name, value in found.items() if value}

    def __str__(self) -> str:
        return f"the environment ({self.prefix}*)"


@dataclass(frozen=True, slots=True)
class _File:
    path: Path

    def __call__(self) -> Mapping[str, object]:
        try:
            read = self._read(self.path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise InputError(f"{self.path} cannot be read ({error.strerror}).") from error
        except ValueError as error:  # what both formats raise for text that is none of theirs, and no UTF-8 is one, too
            raise InputError(f"{self.path} is malformed ({error}): write it again.") from error
        if not isinstance(read, dict):
            raise InputError(f"{self.path} holds no settings: it must be one object of names and values.")
        return cast("dict[str, object]", read)

    def _read(self, text: str) -> Any:
        if self.path.suffix.lower() == ".toml":
            import tomllib

            return tomllib.loads(text)
        import json

        return json.loads(text)

    def __str__(self) -> str:
        return str(self.path)
