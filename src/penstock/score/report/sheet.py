"""How the scores came into a Google sheet: what it was asked, and how soon people saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.page import element, join, section
from penstock.page.figures import count, duration, plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.page import Markup


def delivery(progress: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Tell what the last run did with the sheet; None where nothing was measured."""
    last = next((line for line in reversed(progress) if "sheet_writes" in line), None)
    if last is None:
        return None
    said = [
        plural(int(last["sheet_writes"]), "write"),
        plural(int(last["sheet_reads"]), "read"),
        f"{count(last['sheet_refused'])} refused",
        f"{count(last['sheet_retries'])} tried again",
    ]
    soon = ""
    if "lag_p95" in last:
        soon = f" A score was to be seen {duration(last['lag_median'])} after it was kept, 95 % within "
        soon += f"{duration(last['lag_p95'])}."
    return section("Into the sheet", element("p", join([", ".join(said), ".", soon])))
