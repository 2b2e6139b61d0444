"""From logs and clicks to a verdict: who is preferred, by how much, and whether that can be trusted."""

from penstock.interleave.analysis.analyse import analyse
from penstock.interleave.analysis.credit import CREDITS, Credit, Shown, outcome
from penstock.interleave.analysis.power import detectable_effect, sample_size
from penstock.interleave.analysis.preference import Preference, bootstrap_preference, preference
from penstock.interleave.analysis.report import Comparison, Report
from penstock.interleave.analysis.sequential import ConfidenceSequence, Look

__all__ = [
    "CREDITS",
    "Comparison",
    "ConfidenceSequence",
    "Credit",
    "Look",
    "Preference",
    "Report",
    "Shown",
    "analyse",
    "bootstrap_preference",
    "detectable_effect",
    "outcome",
    "preference",
    "sample_size",
]
