"""How well the machine's marks agree with those of people, and which marks a person should look at."""

from penstock.grade.agreement.compare import Agreement, compare
from penstock.grade.agreement.marked import Columns, MarkedAnswer, MarkedTable, open_marked
from penstock.grade.agreement.review import doubtful, is_filled, write_review
from penstock.grade.agreement.slices import Resampling

__all__ = [
    "Agreement",
    "Columns",
    "MarkedAnswer",
    "MarkedTable",
    "Resampling",
    "compare",
    "doubtful",
    "is_filled",
    "open_marked",
    "write_review",
]
