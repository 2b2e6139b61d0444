"""Durable pipelines that judge text with models: paced, checked, remembered, resumable.

    import penstock

    result = penstock.score_table("comments.csv", text="comment", categories=["praise", "complaint"])
    result = penstock.grade_table("answers.csv", key="key.csv")

Importing the package loads nothing heavy; each name below is fetched from its room when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.errors import PenstockError
    from penstock.grade.run import GradeResult
    from penstock.grade.table import a_grade_table, grade_table
    from penstock.judge.category import Category
    from penstock.models.session import ModelSpec, Session
    from penstock.score.api import a_score_table, score_table
    from penstock.score.run import ScoreResult

__version__ = "0.4.0"

_HOME = {
    "Category": "penstock.judge.category",
    "GradeResult": "penstock.grade.run",
    "ModelSpec": "penstock.models.session",
    "PenstockError": "penstock.errors",
    "ScoreResult": "penstock.score.run",
    "Session": "penstock.models.session",
    "a_grade_table": "penstock.grade.table",
    "a_score_table": "penstock.score.api",
    "grade_table": "penstock.grade.table",
    "score_table": "penstock.score.api",
}

__all__ = [
    "Category",
    "GradeResult",
    "ModelSpec",
    "PenstockError",
    "ScoreResult",
    "Session",
    "a_grade_table",
    "a_score_table",
    "grade_table",
    "score_table",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
