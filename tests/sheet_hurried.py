"""Runs Penstock's command line with minutes of three seconds towards a sheet's server, for tests of quotas and faults.

    python sheet_hurried.py score URL ...

Only the client's sense of time is another: its clock, its waits and the seconds it waits for one answer.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import anyio

from penstock.cli import main
from penstock.score import sheet
from penstock.tables.google import SheetsClient

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SPEED = 20.0
"""Seconds of the client and its server in one of ours."""
TIMEOUT = 1.0
"""Our seconds for one answer of the sheet's server."""


def clock() -> float:
    """Tell the hurried time; the sheet's server is to have the same."""
    return SPEED * time.monotonic()


async def sleep(seconds: float) -> None:
    """Wait hurried seconds."""
    await anyio.sleep(seconds / SPEED)


HURRY: Mapping[str, Any] = {"clock": clock, "sleep": sleep, "timeout": TIMEOUT}


if __name__ == "__main__":
    sheet.SheetsClient = partial(SheetsClient, **HURRY)  # type: ignore[misc,assignment]
    main(sys.argv[1:])
