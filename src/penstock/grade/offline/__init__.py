"""Short answers graded without a model: by keywords and references, or as graded examples would have them."""

from penstock.grade.offline.exercise import Estimate, Exercise, GradedAnswer
from penstock.grade.offline.grader import FEWEST, OfflineGrader
from penstock.grade.offline.keywords import matched

__all__ = ["FEWEST", "Estimate", "Exercise", "GradedAnswer", "OfflineGrader", "matched"]
