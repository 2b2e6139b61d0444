"""Two rankers compared inside one request: merged, logged, and judged by the clicks.

    from penstock.interleave import Experiment, from_ssm

    experiment = Experiment("home", {"A": rank_a, "B": rank_b}, settings=from_ssm("/reco"))
    served = experiment.rank(context, user_id=user_id, k=10)

The request path needs nothing but the standard library. Each name is fetched from its module when it is first used, so
that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.interleave.draft import interleave
    from penstock.interleave.experiment import Experiment, Served
    from penstock.interleave.gateway import Gateway
    from penstock.interleave.methods import METHODS, Draft
    from penstock.interleave.record import Record, ShownItem
    from penstock.interleave.settings import INTERLEAVE, Settings
    from penstock.interleave.sinks import to_cloudwatch, to_logger, to_stream
    from penstock.interleave.snapshot import Snapshot
    from penstock.interleave.sources import from_environment, from_file, from_mapping
    from penstock.interleave.ssm import from_ssm

_HOME = {
    "Draft": "methods",
    "Experiment": "experiment",
    "Gateway": "gateway",
    "INTERLEAVE": "settings",
    "METHODS": "methods",
    "Record": "record",
    "Served": "experiment",
    "Settings": "settings",
    "ShownItem": "record",
    "Snapshot": "snapshot",
    "from_environment": "sources",
    "from_file": "sources",
    "from_mapping": "sources",
    "from_ssm": "ssm",
    "interleave": "draft",
    "to_cloudwatch": "sinks",
    "to_logger": "sinks",
    "to_stream": "sinks",
}

__all__ = [
    "INTERLEAVE",
    "METHODS",
    "Draft",
    "Experiment",
    "Gateway",
    "Record",
    "Served",
    "Settings",
    "ShownItem",
    "Snapshot",
    "from_environment",
    "from_file",
    "from_mapping",
    "from_ssm",
    "interleave",
    "to_cloudwatch",
    "to_logger",
    "to_stream",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
