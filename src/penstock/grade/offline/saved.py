"""A trained grader as a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.grade.offline.bags import Bags
from penstock.grade.offline.calibration import Calibration
from penstock.grade.offline.kernel import Mix
from penstock.grade.offline.learned import Learned
from penstock.grade.offline.member import Member
from penstock.grade.offline.resemblance import Resemblance
from penstock.grade.offline.rows import Rows
from penstock.judge import archive

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_FORMAT = 1
_KIND = "trained grader"
_MEMBER = (
    "figures", "beside", "beside_centre", "beside_spread", "questions", "scores", "centre", "known", "new",
)  # fmt: skip
_ROWS = ("starts", "columns", "values")


def write(path: Path, *, learned: Learned | None, passing: float) -> None:
    """Write what was learned, or that nothing was."""
    parts: dict[str, Any] = {"format": _FORMAT, "passing": passing, "trained": learned is not None}
    arrays: dict[str, NDArray[Any]] = {}
    if learned is not None:
        parts |= _parts(learned)
        arrays |= _arrays(learned)
    archive.write(path, parts=parts, arrays=arrays)


def read(path: Path) -> tuple[Learned | None, float]:
    """Read what `write` wrote: what was learned, and the passing score.

    Raises:
        InputError: The file is not one, or was written by another version.
    """
    parts, arrays = archive.read(path, what=_KIND)
    if parts.get("format") != _FORMAT:
        raise archive.unreadable(path, _KIND)
    try:
        return (_restored(parts, arrays) if parts["trained"] else None), float(parts["passing"])
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise archive.unreadable(path, _KIND) from error


def _parts(learned: Learned) -> dict[str, Any]:
    return {
        "units": list(learned.bags.units),
        "pieces": list(learned.bags.pieces),
        "rarity": learned.resemblance.rarity,
        "strange": learned.resemblance.strange,
        "rare": sorted(learned.resemblance.rare),
        "questions": list(learned.questions),
        "members": [member.weights.weights() for member in learned.members],
        "quality": learned.quality,
    }


def _arrays(learned: Learned) -> dict[str, NDArray[Any]]:
    bags = learned.bags
    arrays: dict[str, NDArray[Any]] = {
        "neighbours": bags.neighbours,
        "near": bags.near,
        "runs": bags.runs,
        "weights": bags.weights,
        "centre": learned.centre,
        "spread": learned.spread,
        "seen_score": learned.seen.score_weights,
        "seen_chance": learned.seen.chance_weights,
        "seen_error": learned.seen.error_weights,
        "unseen_score": learned.unseen.score_weights,
        "unseen_chance": learned.unseen.chance_weights,
        "unseen_error": learned.unseen.error_weights,
    }
    for place, member in enumerate(learned.members):
        arrays |= {f"member{place}_{name}": getattr(member, name) for name in _MEMBER}
        arrays |= {f"member{place}_{name}": getattr(member.rows, name) for name in _ROWS}
    return arrays


def _restored(parts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Learned:
    bags = Bags(
        units={unit: place for place, unit in enumerate(parts["units"], start=2)},
        pieces={piece: place for place, piece in enumerate(parts["pieces"])},
        neighbours=arrays["neighbours"],
        near=arrays["near"],
        runs=arrays["runs"],
        weights=arrays["weights"],
    )
    members = [
        _member(Mix.of(weights), {name: arrays[f"member{place}_{name}"] for name in (*_MEMBER, *_ROWS)}, bags)
        for place, weights in enumerate(parts["members"])
    ]
    return Learned(
        resemblance=Resemblance(rarity=parts["rarity"], strange=float(parts["strange"]), rare=frozenset(parts["rare"])),
        bags=bags,
        centre=arrays["centre"],
        spread=arrays["spread"],
        questions={name: place for place, name in enumerate(parts["questions"])},
        members=tuple(members),
        seen=_calibration(arrays, "seen"),
        unseen=_calibration(arrays, "unseen"),
        quality=parts["quality"],
    )


def _calibration(arrays: dict[str, NDArray[Any]], name: str) -> Calibration:
    return Calibration(**{f"{each}_weights": arrays[f"{name}_{each}"] for each in ("score", "chance", "error")})


def _member(weights: Mix, arrays: dict[str, NDArray[Any]], bags: Bags) -> Member:
    rows = Rows(**{name: arrays[name] for name in _ROWS}, width=bags.width)
    terms = bags.weights[: bags.bounds[2]]
    return Member(
        weights=weights, terms=terms, rows=rows, first_run=bags.bounds[4], **{name: arrays[name] for name in _MEMBER}
    )
