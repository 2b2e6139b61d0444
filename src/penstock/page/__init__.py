"""Self-contained HTML pages: markup that escapes, figures, small charts, tables. It needs nothing else."""

from penstock.page.chart import Axis, Layer, Mark, plot
from penstock.page.document import document
from penstock.page.markup import Child, Markup, element, escape, foreign, join
from penstock.page.table import Column, section, table

__all__ = [
    "Axis",
    "Child",
    "Column",
    "Layer",
    "Mark",
    "Markup",
    "document",
    "element",
    "escape",
    "foreign",
    "join",
    "plot",
    "section",
    "table",
]
