"""The pages about experiments: what users preferred, and what a simulation found; each one HTML file."""

from penstock.interleave.page.report import render
from penstock.interleave.page.simulation import simulated

__all__ = ["render", "simulated"]
