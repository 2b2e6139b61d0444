"""A chart of what changed in the course of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.page import Axis, Mark, plot
from penstock.page.figures import short_count, steps, time_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.jobs.report.course import Course
    from penstock.page import Layer, Markup


def over_time(title: str, layers: Sequence[Layer], course: Course, *, label: str, tall: bool = False) -> Markup:
    """Draw what changed in the course of a job.

    Args:
        title: Stands above it.
        layers: What is drawn at seconds, the first one at the back.
        course: Whose time is the axis; it must have taken some.
        label: What it shows, in words, for those who do not see it.
        tall: Whether it gets more height.
    """
    top = 1.05 * max(layer.most for layer in layers) or 1.0
    levels = steps(top, about=5 if tall else 3, least=1.0)
    return plot(
        title,
        layers,
        x=Axis(low=0.0, high=course.seconds, ticks=time_steps(course.seconds)),
        y=Axis(low=0.0, high=top, ticks=[(level, short_count(level)) for level in levels]),
        label=label,
        marks=[Mark(at=start) for start in course.resumed],
        tall=tall,
    )
