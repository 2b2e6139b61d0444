"""The systems whose jobs can be run and gone on with: where their functions are, and what is told of their results."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
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
        rows: Counts the rows of a result.
        budgets: Whether its jobs keep a budget.
        withdrawing: Module with `withdraw_job`, which takes back what a job left at a provider; empty where none can.
    """

    name: str
    resuming: str
    outcome: Callable[[Any], list[str]]
    besides: Callable[[Any], list[str]]
    more: Callable[[Any], dict[str, Any]]
    rows: Callable[[Any], int] = lambda result: result.job.rows
    budgets: bool = False
    withdrawing: str = ""

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

    @property
    def withdraw(self) -> Callable[..., Any] | None:
        """Takes back what a job left at a provider."""
        return self._find(self.withdrawing, "withdraw_job") if self.withdrawing else None

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
    said: list[str] = []
    if result.adopted:
        said.append(f"{result.adopted:,} judgements were taken over from an earlier run, of rows that have not changed")
    if failed:
        of = failed + result.tally.verdicts
        written = isinstance(result.output, Path)  # a sheet has no place for reasons
        where = "the table" if written else f"`penstock jobs show {result.job.id}`"
        said.append(f"{failed:,} of {of:,} judgements failed; {where} says which, and why")
    return said


def _money(result: Any) -> list[str]:
    usage = result.usage
    if not usage.calls:
        return []
    cost = "" if result.cost_usd is None else f", {result.cost_usd:,.4f} USD"
    return [f"{usage.tokens_in:,} tokens in, {usage.tokens_out:,} out{cost}, earlier runs of the job included"]


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
    besides=lambda result: [*_money(result), *_agreement(result)],
    more=lambda result: {
        "agreement": result.agreement,
        "adopted": result.adopted,
        "tokens_in": result.usage.tokens_in,
        "tokens_out": result.usage.tokens_out,
        "cost_usd": result.cost_usd,
    },
    rows=lambda result: result.rows,
    budgets=True,
    withdrawing="api",
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
