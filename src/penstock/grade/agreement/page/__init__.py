"""The page about how well marks agree with those of people: one file, without anything from outside."""

from penstock.grade.agreement.page.render import LISTED, render

__all__ = ["LISTED", "render"]
