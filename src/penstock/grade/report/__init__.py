"""The page about a grade job: one HTML file that needs nothing else."""

from penstock.grade.report.facts import ReportFacts
from penstock.grade.report.page import render

__all__ = ["ReportFacts", "render"]
