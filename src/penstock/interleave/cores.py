"""How many cores there are for this process, counted as a function on AWS Lambda has them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEMORY_PER_CORE = 1_769
"""Megabytes for which AWS Lambda gives one virtual core."""


def usable_cores(environ: Mapping[str, str] | None = None) -> float:
    """Count the cores that this process may use; a part of one where a function has little memory."""
    around = os.environ if environ is None else environ
    affinity = getattr(os, "sched_getaffinity", None)
    allowed = len(affinity(0)) if affinity else os.cpu_count() or 1
    memory = around.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return min(allowed, int(memory) / _MEMORY_PER_CORE) if memory.isdecimal() else allowed
