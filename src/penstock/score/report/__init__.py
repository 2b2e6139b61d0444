"""The page about a score job: one HTML file that needs nothing else."""

from penstock.score.report.facts import ReportFacts
from penstock.score.report.page import render

__all__ = ["ReportFacts", "render"]
