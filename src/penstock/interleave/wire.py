"""A ranking on its way to a client: rows of plain JSON values.

Frames hold what JSON does not know: NaN, times, numbers of numpy. They are told by what they can do, so neither pandas,
Polars nor numpy is imported.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterable

_MISSING = {"NAType", "NaTType"}  # of pandas
_MOMENTS = {"datetime64"}  # of numpy; in nanoseconds it would give itself away as a bare number


def rows(ranking: Any) -> Any:
    """Make a ranking ready for `json.dumps`: a list of objects, or of ids where the rankers return ids.

    The index of a pandas frame is left out. What is no frame and no list is made plain as it is.

    Raises:
        TypeError: It holds something that JSON has no word for.
    """
    if ranking is None:
        return []
    if hasattr(ranking, "to_dicts"):  # Polars
        return plain(ranking.to_dicts())
    if hasattr(ranking, "columns") and hasattr(ranking, "to_dict"):  # pandas
        return plain(ranking.to_dict("records"))
    return plain(ranking)


def plain(value: Any) -> Any:
    """Say a value in JSON's own types.

    What is missing (NaN, NaT, `pandas.NA`) and what is infinite becomes null; times become ISO 8601, durations seconds,
    decimals numbers, ids of the type UUID words.

    Raises:
        TypeError: JSON has no word for it.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in cast("Mapping[object, Any]", value).items()}
    if isinstance(value, (list, tuple, AbstractSet)):
        return [plain(each) for each in cast("Iterable[Any]", value)]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    kind = type(value).__name__
    if kind in _MISSING or (kind in _MOMENTS and value != value):  # noqa: PLR0124 - NaT is what differs from itself
        return None
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, UUID) or kind in _MOMENTS:
        return str(value)
    if hasattr(value, "tolist"):  # a number or an array of numpy
        return plain(value.tolist())
    raise TypeError(f"A ranking holds a {type(value).__qualname__}, which JSON has no word for.")


def _number(value: Decimal) -> int | float | None:
    if not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)
