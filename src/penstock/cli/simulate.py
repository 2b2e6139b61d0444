"""`penstock interleave simulate`: what an experiment would find, before any user sees it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.outcome import json_option
from penstock.cli.plain import plain, say

if TYPE_CHECKING:
    from penstock.interleave.simulation import Lists, Simulation, SimulationResult

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_NUMBER = click.IntRange(min=1)
_SHARE = click.FloatRange(min=0, max=1)
_ALL = "all"
_EQUAL_RUNS = 200


@click.command()
@click.option("--relevance", type=_FILE, help="Learning-to-rank file: grades 0 to 4 and features. [made up]")
@click.option("--query", type=_FILE, help="Its sizes of the queries, one a line, where it has no qid.")
@click.option("--queries", default=100, show_default=True, type=_NUMBER, help="Made-up queries.")
@click.option("--documents", default=50, show_default=True, type=click.IntRange(min=2), help="Of a made-up query.")
@click.option("--ranker-a", default="noise:0.5", show_default=True, help="feature:12, or noise:0.5 on the grades.")
@click.option("--ranker-b", default="noise:0.7", show_default=True, help="The same; or pinned, shuffled:5, swapped:3.")
@click.option("--overlap", default=0.5, show_default=True, type=_SHARE, help="Part of the noise that both share.")
@click.option("--methods", default=_ALL, show_default=True, help="Names of methods, with commas between them.")
@click.option("--clicks", default="pbm", show_default=True, help="pbm, perfect, navigational, informational, random.")
@click.option("--users", default=2000, show_default=True, type=click.IntRange(min=4), help="In one run.")
@click.option("--rankings-per-user", default=10, show_default=True, type=_NUMBER)
@click.option("--days", default=14, show_default=True, type=_NUMBER, help="That these are spread over.")
@click.option("--loyalty", default=0.5, show_default=True, type=_SHARE, help="Part of them about the user's own query.")
@click.option("--propensity", default=0.5, show_default=True, help="Gamma shape of the eagerness; 0: all are alike.")
@click.option("--seeding", default="user", show_default=True, type=click.Choice(["user", "request"]), help="Of coins.")
@click.option("-k", "k", default=10, show_default=True, type=click.IntRange(min=1, max=100), help="Items shown.")
@click.option("--drafts", default=200, show_default=True, type=click.IntRange(min=2), help="Of each query, beforehand.")
@click.option("--runs", default=20, show_default=True, type=_NUMBER, help="Of every experiment.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="All chance follows from it.")
@click.option("--false-positives", is_flag=True, help=f"Also {_EQUAL_RUNS} runs with equal rankers.")
@click.option("--write-logs", type=_FOLDER, help="Folder for a log and clicks, by the first method.")
@click.option("--out", type=_FILE, help="HTML page.")
@json_option
def simulate(*, write_logs: Path | None, out: Path | None, as_json: bool, **given: Any) -> None:
    """Simulate users who click, and say what each method would find.

    For each method: its bias, how well it tells the rankers apart, how many users it needs, and how many an A/B test on
    the same users would need. Everything follows from the seed.
    """
    simulation = _simulation(**given)
    if out is not None:
        _check_folder(out)
    if write_logs is not None:
        _write_logs(write_logs, simulation)
    result = simulation.run()
    click.echo(_json(result) if as_json else _text(result))
    if out is not None:
        _write_page(out, result)


def _simulation(
    *,
    methods: str,
    clicks: str,
    users: int,
    rankings_per_user: int,
    days: int,
    loyalty: float,
    propensity: float,
    seeding: Any,
    k: int,
    drafts: int,
    runs: int,
    seed: int,
    false_positives: bool,
    **source: Any,
) -> Simulation:
    from penstock.interleave.methods import METHODS
    from penstock.interleave.simulation import Population, Simulation, click_model

    model = click_model(clicks)
    chosen = METHODS if methods == _ALL else tuple(name.strip() for name in methods.split(","))
    population = Population(
        users=users,
        rankings_per_user=rankings_per_user,
        days=days,
        loyalty=loyalty,
        propensity=propensity or None,
        seeding=seeding,
    )
    return Simulation(
        lists=_lists(k=k, seed=seed, **source),
        model=model,
        population=population,
        methods=chosen,
        k=k,
        drafts=drafts,
        runs=runs,
        equal_runs=_EQUAL_RUNS if false_positives else 0,
        seed=seed,
    )


def _lists(
    *,
    relevance: Path | None,
    query: Path | None,
    queries: int,
    documents: int,
    ranker_a: str,
    ranker_b: str,
    overlap: float,
    k: int,
    seed: int,
) -> Lists:
    import numpy as np

    from penstock.errors import InputError
    from penstock.interleave.simulation import Ranker, generated, rank, read_letor

    first, second = Ranker.of(ranker_a), Ranker.of(ranker_b)
    features = [ranker.feature for ranker in (first, second) if ranker.feature is not None]
    rng = np.random.default_rng(seed)
    if relevance is not None:
        found = read_letor(relevance, sizes=query, features=features)
    elif features or query is not None:
        raise InputError("Features and --query belong to a file: name it with --relevance.")
    else:
        found = generated(queries, documents, rng)
    return rank(found, first, second, k=k, overlap=overlap, rng=rng)


def _write_logs(folder: Path, simulation: Simulation) -> None:
    from penstock.interleave.simulation.logs import write_logs

    written = write_logs(
        folder,
        simulation.lists,
        simulation.model,
        simulation.population,
        method=simulation.methods[0],
        k=simulation.k,
        seed=simulation.seed,
    )
    say(f"{written.lines:,} rankings in {plain(str(written.rankings))}")
    say(f"{written.clicked:,} clicks in {plain(str(written.clicks))}")


def _check_folder(out: Path) -> None:
    from penstock.errors import InputError

    if not out.parent.is_dir():
        raise InputError(f"The folder of {out} does not exist: make it first.")


def _write_page(out: Path, result: SimulationResult) -> None:
    from penstock.errors import InputError
    from penstock.interleave.page import simulated

    try:
        out.write_text(simulated(result), encoding="utf-8")
    except OSError as error:
        raise InputError(f"The page cannot be written to {out}: {error.strerror}.") from error
    say(f"page in {plain(str(out))}")


def _json(result: SimulationResult) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(result), indent=2).decode()


def _text(result: SimulationResult) -> str:
    from penstock.interleave.simulation.table import table

    return "\n".join(plain(line) for line in table(result))
