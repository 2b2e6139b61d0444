"""One file of arrays and JSON, the same bytes for the same content; nothing in it is executed when it is read."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_PARTS = "parts.json"


def write(path: Path, *, parts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write parts as JSON and arrays as they are; numpy can read the arrays too."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry(_PARTS), json.dumps(parts, ensure_ascii=True))
        for name, array in arrays.items():
            with archive.open(_entry(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)


def read(path: Path, *, what: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `write` wrote.

    Args:
        path: Where it lies.
        what: What it should hold, for the message, such as `trained judge`.

    Raises:
        InputError: The file cannot be read or is no such archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = json.loads(archive.read(_PARTS))
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            return parts, {name.removesuffix(".npy"): _array(archive, name) for name in names}
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise unreadable(path, what) from error


def unreadable(path: Path, what: str) -> InputError:
    """Make the error of a file that holds something else, or comes from another version."""
    return InputError(f"{path} is not a {what} that this version can read: train it again.")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(name) as entry:
        array: NDArray[Any] = np.lib.format.read_array(entry, allow_pickle=False)
    return array
