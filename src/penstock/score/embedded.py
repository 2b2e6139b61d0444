"""The judge that needs no server: made from the categories' words, or trained on labelled examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import InputError
from penstock.judge.examples import Examples, read_examples
from penstock.judge.lexical import LexicalJudge
from penstock.judge.trained import FEWEST, TrainedJudge
from penstock.tables import open_table, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from penstock.score.config import ScoreConfig


TRAINED = "judge.npz"
"""Where a trained judge lies in its run folder, so that a resumed job goes on with the very same one."""


def embedded_judge(
    config: ScoreConfig, folder: Path, say: Callable[[str], None] = lambda _: None
) -> LexicalJudge | TrainedJudge:
    """Make the judge of a configuration, or fetch the one that an earlier run of the job was trained.

    Args:
        config: The job's.
        folder: The job's run folder.
        say: Told what takes a while.

    Raises:
        InputError: The examples cannot be used.
    """
    if not config.examples:
        return LexicalJudge(config.categories)
    kept = folder / TRAINED
    if kept.exists():
        return TrainedJudge.load(kept)
    examples = read_labelled(config)
    say(f"training on {len(examples.texts):,} examples")
    judge = TrainedJudge.fit(examples.texts, examples.labels, config.categories)
    if TrainedJudge.method not in judge.methods:
        raise _too_few(config)
    draft = kept.with_suffix(".draft")
    judge.save(draft)
    draft.replace(kept)
    return judge


def is_trained(folder: Path) -> bool:
    """Whether a run folder holds the judge of its job."""
    return (folder / TRAINED).exists()


def read_labelled(config: ScoreConfig) -> Examples:
    """Read the labelled examples that a configuration names.

    Raises:
        InputError: The file cannot be read, or holds no usable example.
    """
    table = open_table(Path(config.examples))
    text = table.column(config.examples_text or config.text)

    def rows() -> Iterator[tuple[str, Mapping[str, object]]]:
        for row in table.rows():
            if row.problem:
                raise InputError(f"Row {row.number + 1} of {config.examples} cannot be read: {row.problem}.")
            yield text_of(row.cells[text]), dict(zip(table.columns, row.cells, strict=True))

    examples = read_examples(rows(), config.categories, source=config.examples)
    belong = (examples.labels >= 0.5).sum(axis=0)
    if not ((belong >= FEWEST) & (len(examples.texts) - belong >= FEWEST)).any():
        raise _too_few(config)
    return examples


def _too_few(config: ScoreConfig) -> InputError:
    return InputError(
        f"The examples in {config.examples} are too few to train on: a category needs {FEWEST} different texts "
        f"that belong to it and {FEWEST} that do not; give more, or leave the examples out."
    )


def described(judge: TrainedJudge) -> dict[str, Any]:
    """Tell how well a trained judge agrees with labels it had not seen; what is not defined is None."""
    written = msgspec.json.encode(judge.agreement)  # JSON has no NaN: it becomes null
    return msgspec.json.decode(written, type=dict[str, Any])
