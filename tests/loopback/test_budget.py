"""A whole job with a budget, against a server that counts what it would charge."""

import csv

import pytest

from penstock.errors import InputError
from penstock.models import ModelSpec
from penstock.score import a_score_table
from penstock.score.ahead import a_preview_table
from penstock.testing import Behaviour, ModelServer

pytestmark = pytest.mark.anyio

IN, OUT = 10.0, 50.0  # USD per million tokens
FAULTS = Behaviour(faults={"wrong_count": 0.1, "http_500": 0.05}, latency=0.002)


@pytest.fixture
def folder(tmp_path):
    rows = [["text"], *([f"{number}: {'late again ' * (number % 40)}"] for number in range(120))]
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return tmp_path


def given(server, folder, **settings):
    priced = {"price_in": IN, "price_out": OUT, "concurrency": 8, **settings}
    return {
        "text": "text",
        "categories": ["joy", "fear"],
        "output": folder / "out.csv",
        "model": ModelSpec(name="openai/m", base_url=server.url, **priced),
        "home": folder / "home",
    }


def charged(server):
    stats = server.stats()
    return (stats.tokens_in * IN + stats.tokens_out * OUT) / 1e6


async def test_a_budget_stops_the_job_in_order_and_a_larger_one_finishes_it(folder):
    async with ModelServer(FAULTS) as server:
        settings = given(server, folder)
        first = await a_score_table(folder / "rows.csv", budget=0.1, **settings)
        most = charged(server) / server.stats().answered * 8  # the calls in flight
        assert first.job.status == "interrupted"
        assert 0.05 < charged(server) <= 0.1 + most
        then = await a_score_table(folder / "rows.csv", budget=10.0, **settings)
    assert (then.job.id, then.job.status, then.tally.verdicts) == (first.job.id, "completed", 120)


async def test_the_cost_of_a_job_is_what_the_server_would_charge(folder):
    async with ModelServer() as server:
        result = await a_score_table(folder / "rows.csv", **given(server, folder))
        assert result.cost_usd == pytest.approx(charged(server))


async def test_a_stopped_job_gives_the_table_of_one_that_was_not(folder):
    tables = []
    for budgets in ([None], [0.05, 0.1, None]):
        async with ModelServer(FAULTS) as server:
            settings = given(server, folder) | {"home": folder / str(len(budgets)), "cache": False}
            for budget in budgets:
                await a_score_table(folder / "rows.csv", budget=budget, **settings)
        tables.append((folder / "out.csv").read_bytes())
    assert tables[0] == tables[1]


async def test_a_budget_without_a_price_is_refused_before_anything_is_asked(folder):
    async with ModelServer() as server:
        with pytest.raises(InputError, match="give --price-in and --price-out"):
            await a_score_table(folder / "rows.csv", budget=1.0, **given(server, folder, price_in=None, price_out=None))
        assert server.stats().received == 0


async def test_what_a_preview_asked_is_not_asked_again(folder):
    async with ModelServer() as server:
        settings = given(server, folder)
        foretold = await a_preview_table(folder / "rows.csv", ask=20, **settings)
        result = await a_score_table(folder / "rows.csv", **settings)
    assert (foretold.questions, result.usage.calls, result.tally.verdicts) == (100, 100, 120)
    assert result.usage.tokens_in == pytest.approx(foretold.tokens_in.likely, rel=0.15)
    assert result.cost_usd == pytest.approx(foretold.cost_usd.likely, rel=0.15)
