"""A recommender of excursions as a function on AWS Lambda: two old routes, one new one, all of them this handler.

The rankers are small and made up; put your own in their place. Everything else is chosen by the environment:

    RECO_SETTINGS  `ssm`, or a .json or .toml file; without it, RECO_MODE, RECO_SAMPLING_RATE and so on
    RECO_PREFIX    what the names of the parameters begin with (/reco)
    RECO_TTL       seconds for which settings that were read are used (60)
    RECO_DEADLINE  seconds after which a ranker that is late is done without (1)
    RECO_LOG       `cloudwatch` for lines with metrics, or a file; without it, plain lines on standard output
"""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from penstock.interleave import Experiment, from_environment, from_file, from_ssm, to_cloudwatch, to_stream
from penstock.interleave.gateway import Call, Gateway

ROUTES = {
    "GET /recommendations/a": "A",  # as before the move: whatever the settings say, ranker A
    "GET /recommendations/b": "B",
    "GET /recommendations": None,  # the settings decide
}

PLACES = ("Gull Island", "the old lighthouse", "Lower Quay", "the salt meadows", "Herring Bay")
THEMES = ("birds", "castles", "food", "swimming", "walking", "music")
CATALOGUE: list[dict[str, Any]] = [
    {
        "item_id": f"e{number:02}",
        "title": f"{THEMES[number % 6].capitalize()} at {PLACES[number % 5]}",
        "theme": THEMES[number % 6],
        "price": None if number % 10 == 0 else 5.0 + number % 17,  # nobody has said what every tenth costs
        "booked": (number * 37) % 101,
        "season": 2020 + number % 7,
    }
    for number in range(1, 61)
]


# Loaded here and not at the first request; the rankers return frames where it is installed, and lists elsewhere.
pandas = import_module("pandas") if find_spec("pandas") else None


def ranking(rows: list[dict[str, Any]]) -> Any:
    """Give the rows as a pandas frame, or as they are."""
    return rows if pandas is None else pandas.DataFrame(rows)


def rank_a(context: dict[str, Any]) -> Any:
    """Rank as today: what is booked most comes first."""
    return ranking(sorted(context["candidates"], key=lambda item: -item["booked"]))


def rank_b(context: dict[str, Any]) -> Any:
    """Rank as proposed: what suits the caller's interest, and what is new, counts for more."""

    def worth(item: dict[str, Any]) -> float:
        suits = 2.5 if item["theme"] == context["interest"] else 1.0
        return suits * item["booked"] + 4.0 * (item["season"] - 2020)

    return ranking(sorted(context["candidates"], key=worth, reverse=True))


def settings() -> Any:
    """Choose where settings come from."""
    chosen = os.environ.get("RECO_SETTINGS", "")
    if chosen == "ssm":
        return from_ssm(os.environ.get("RECO_PREFIX", "/reco"))
    return from_file(chosen) if chosen else from_environment("RECO_")


def log() -> Any:
    """Choose where the log lines go."""
    chosen = os.environ.get("RECO_LOG", "")
    if chosen == "cloudwatch":
        return to_cloudwatch()
    return to_stream(Path(chosen).open("a", encoding="utf-8") if chosen else None)  # open as long as the process runs


experiment = Experiment(
    "excursions",
    {"A": rank_a, "B": rank_b},  # the first one is the baseline
    settings=settings(),
    deadline=float(os.environ.get("RECO_DEADLINE", "1")),
    cpu_bound=True,  # they sort in Python: with less than two cores, one after the other is faster
    ttl=float(os.environ.get("RECO_TTL", "60")),
    block=10,  # pages of any size go on in one plan, also with optimized_v1
    log=log(),
)
experiment.warm()  # in the init phase, so that the first request does not wait for the settings


def user(call: Call) -> Any:
    """Say who calls.

    The query is for trying this out. Behind an authoriser, leave it away: who names himself chooses his own bucket.
    """
    return call.claims.get("sub") or call.query.get("user_id")


def session(call: Call) -> str | None:
    """Say in which session somebody calls who has not signed in."""
    return call.cookies.get("session")


def context(call: Call) -> dict[str, Any]:
    """Gather what the rankers need; the candidates are fetched once, for both."""
    return {
        "interest": call.query.get("interest", "walking"),
        "candidates": CATALOGUE[: experiment.settings.pool_size],
    }


gateway = Gateway(experiment, ROUTES, context=context, user=user, session=session)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one event; the name that the function's configuration gives."""
    return gateway(event)
