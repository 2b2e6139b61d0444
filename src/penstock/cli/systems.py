"""The systems whose jobs can be run and gone on with: where their functions are, and what is told of their results."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from penstock.errors import JobError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One of the systems.

    Attributes:
        name: As its jobs call it.
        resuming: Module with `a_resume`, which goes on with a job of it.
        outcome: Says in lines how the items of a result ended.
        besides: Says in lines what else is worth knowing about a result.
        more: What JSON is to have besides what every result has.
    """

    name: str
    resuming: str
    outcome: Callable[[Any], list[str]]
    besides: Callable[[Any], list[str]]
    more: Callable[[Any], dict[str, Any]]

    @property
    def resume(self) -> Callable[..., Any]:
        """Goes on with a job of it."""
        found: Callable[..., Any] = self._find(self.resuming, "a_resume")
        return found

    @property
    def take_up(self) -> Callable[..., Any]:
        """Makes a job of it ready to go on."""
        found: Callable[..., Any] = self._find("run", "take_up")
        return found

    def _find(self, module: str, name: str) -> Any:
        """Import only what is used: a system may load what takes a while."""
        return getattr(import_module(f"penstock.{self.name}.{module}"), name)


def system_of(name: str) -> System:
    """Find the system that a job belongs to.

    Raises:
        JobError: This version knows none of that name.
    """
    for system in (SCORE, GRADE):
        if system.name == name:
            return system
    raise JobError(f"This version of Penstock has no system {name!r}: use the one that began the job.")


def _judgements(result: Any) -> list[str]:
    failed = result.tally.failures + result.tally.later
    if not failed:
        return []
    return [f"{failed:,} of {failed + result.tally.verdicts:,} judgements failed; the table says which, and why"]


def _agreement(result: Any) -> list[str]:
    found = result.agreement
    if not found:
        return []

    def number(name: str) -> str:
        return "not defined" if found[name] is None else f"{found[name]:.3f}"

    return [
        (
            f"agreement with {found['n_texts']:,} labelled texts, each judged unseen: macro F1 {number('macro_f1')}, "
            f"AUROC {number('auroc')}, calibration error {number('calibration_error')}"
        )
    ]


def _states(result: Any) -> list[str]:
    failed = result.tally.failures + result.tally.later
    if not result.states:
        return [f"{result.tally.verdicts:,} answers marked, {failed:,} failed so far"]
    told = [f"{number:,} {state.replace('_', ' ')}" for state, number in result.states.items()]
    said = [f"{', '.join(told)}{'; the table says which, and why' if failed else ''}"]
    if result.mean_score is not None:
        said.append(f"mean score {result.mean_score:.1f}, {result.correct:,} of {result.scored:,} right")
    return said


def _quality(result: Any) -> list[str]:
    found = result.quality
    if not found:
        return []
    return [
        (
            f"the offline grader on {found['n_examples']:,} graded examples, each marked unseen: "
            f"RMSE {100 * found['rmse']:.1f} points, right or wrong as people {100 * found['accuracy']:.1f} %"
        )
    ]


SCORE = System(
    name="score",
    resuming="api",
    outcome=_judgements,
    besides=_agreement,
    more=lambda result: {"agreement": result.agreement},
)
GRADE = System(
    name="grade",
    resuming="table",
    outcome=_states,
    besides=_quality,
    more=lambda result: {
        "states": result.states,
        "mean_score": result.mean_score,
        "scored": result.scored,
        "correct": result.correct,
        "quality": result.quality,
    },
)
