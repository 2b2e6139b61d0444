"""Turns texts and replies into verdicts: prompts, checks, fallbacks, and the judge that needs no server."""

from penstock.judge.category import Category

__all__ = ["Category"]
