"""Scores every row of a table against categories."""

from penstock.score.api import a_resume, a_score_table, score_table
from penstock.score.config import ScoreConfig
from penstock.score.run import ScoreResult

__all__ = ["ScoreConfig", "ScoreResult", "a_resume", "a_score_table", "score_table"]
