"""Tokens and money of whole jobs: what rows took, what a budget stops, what a preview foretells."""

import math

import pytest

from penstock.errors import BudgetSpent, InputError, JobError
from penstock.jobs.folder import RunFolder
from penstock.judge import Category
from penstock.score import a_resume
from penstock.score.ahead import a_preview_table
from penstock.score.spending import BUDGET
from penstock.testing import Behaviour
from scored import bench

pytestmark = pytest.mark.anyio

TEXTS = [f"{number}: the ferry was late" for number in range(20)]
FERRY = [
    Category(name="delay", definition="The ferry was late.", detail="minutes, waiting"),
    Category(name="crew", definition="How the crew behaved."),
    Category(name="fare", definition="What the trip cost.", detail="dear, cheap"),
]


# --- tokens and money ---


async def test_the_usage_of_the_rows_sums_up_to_that_of_the_job(tmp_path):
    async with bench(tmp_path, behaviour=Behaviour(faults={"wrong_count": 0.3})) as desk:
        desk.write(TEXTS)
        model = desk.model(price_in=3, price_out=7)
        result = await desk.score(model=model, usage=True, asks=4, categories=["a", "b", "c"], block=2)
        stats = desk.server.stats()
    total = {name: sum(map(float, desk.column(f"score_{name}"))) for name in ("calls", "tokens_in", "tokens_out")}
    assert total == {"calls": stats.received, "tokens_in": stats.tokens_in, "tokens_out": stats.tokens_out}
    assert stats.received > 40
    cost = (3 * stats.tokens_in + 7 * stats.tokens_out) / 1e6
    assert sum(map(float, desk.column("score_cost_usd"))) == pytest.approx(cost, abs=1e-6)
    assert result.cost_usd == pytest.approx(cost)


async def test_a_cost_without_a_price_is_empty(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        result = await desk.score(usage=True)
    assert (result.cost_usd, set(desk.column("score_cost_usd")), set(desk.column("score_calls"))) == (None, {""}, {"1"})


async def test_a_cost_is_empty_where_only_the_price_of_the_fallback_is_missing(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS[:1])
        result = await desk.score(
            usage=True, model=desk.model(price_in=1, price_out=1), fallback=[desk.model("openai/n")]
        )
    assert (result.cost_usd, desk.column("score_cost_usd")) == (None, [""])


async def test_prices_come_from_a_file(tmp_path):
    (tmp_path / "prices.yaml").write_text("models: [{name: openai/m, in: 100, out: 1000}]\n", encoding="utf-8")
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        result = await desk.score(prices=tmp_path / "prices.yaml")
        stats = desk.server.stats()
    assert result.cost_usd == pytest.approx((100 * stats.tokens_in + 1000 * stats.tokens_out) / 1e6)


async def test_a_remembered_answer_costs_nothing(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        given = {"model": desk.model(price_in=10, price_out=10), "usage": True}
        await desk.score(**given)
        then = await desk.score(**given)
    assert (then.cost_usd, set(desk.column("score_cost_usd"))) == (0.0, {"0.0"})


async def test_tries_that_failed_are_paid_in_the_later_outcome(tmp_path):
    async with bench(tmp_path, unfit={TEXTS[0]}) as desk:
        desk.write(TEXTS[:1])
        given = {"model": desk.model(price_in=10, price_out=10), "asks": 3, "usage": True}
        first = await desk.score(**given)
        assert (first.usage.calls, first.tally.failures) == (3, 1)
        desk.mind.unfit.clear()
        then = await desk.score(**given, only_failed=True)
        stats = desk.server.stats()
    assert (then.usage.calls, then.usage.tokens_in) == (4, stats.tokens_in)
    assert then.cost_usd == pytest.approx((10 * stats.tokens_in + 10 * stats.tokens_out) / 1e6)
    assert desk.column("score_calls") == ["4"]


async def test_what_was_given_up_is_paid_in_the_outcome_of_a_resume(tmp_path):
    async with bench(tmp_path, behaviour=Behaviour(faults={"http_500": 0.5}, seed=3)) as desk:
        desk.write(TEXTS[:8])
        first = await desk.score(usage=True, retry_limit=0)
        assert (first.job.status, first.tally.later > 0) == ("failed", True)
        desk.server.behave(Behaviour())
        then = await a_resume(home=tmp_path / "home")
        received = desk.server.stats().received
    assert received == 8 + first.tally.later
    assert (then.usage.calls, sum(map(int, desk.column("score_calls")))) == (received, received)


# --- a budget ---


DEAR = {"price_in": 1000.0, "price_out": 1000.0, "concurrency": 4}


async def test_a_spent_budget_interrupts_the_job_with_a_sentence(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        result = await desk.score(model=desk.model(**DEAR), budget=1.0)
    assert (result.job.status, result.output, result.report) == ("interrupted", None, None)
    assert "The budget of 1 USD has no room for another call" in result.job.error
    assert 0 < result.tally.verdicts < 20


async def test_a_resume_with_a_larger_budget_completes_the_job(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        first = await desk.score(model=desk.model(**DEAR), budget=1.0)
        then = await a_resume(first.job.id, home=tmp_path / "home", budget=100.0)
        assert (then.job.status, then.tally.verdicts, desk.server.stats().received) == ("completed", 20, 20)
    assert then.cost_usd > first.cost_usd


async def test_a_resume_with_the_same_budget_asks_for_nothing(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        first = await desk.score(model=desk.model(**DEAR), budget=1.0)
        desk.again()
        then = await a_resume(first.job.id, home=tmp_path / "home", budget=1.0)
        assert (then.job.status, desk.server.stats().received) == ("interrupted", 0)


async def test_a_resume_keeps_the_budget_until_it_is_taken_away(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        first = await desk.score(model=desk.model(**DEAR), budget=1.0)
        again = await a_resume(first.job.id, home=tmp_path / "home")
        assert (again.job.status, again.cost_usd) == ("interrupted", first.cost_usd)
        free = await a_resume(first.job.id, home=tmp_path / "home", budget=math.inf)
        assert free.job.status == "completed"


async def test_a_resume_of_a_job_that_is_worked_on_leaves_its_budget(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        first = await desk.score(model=desk.model(**DEAR), budget=1.0)
        kept = (folder := RunFolder(tmp_path / "home" / "runs" / first.job.id)).path / BUDGET
        before = kept.read_bytes()
        with folder.locked(), pytest.raises(JobError, match="worked on by another process"):
            await a_resume(first.job.id, home=tmp_path / "home", budget=100.0)
        assert kept.read_bytes() == before


async def test_a_budget_for_the_local_judge_is_refused(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        with pytest.raises(InputError, match="The local judge costs nothing: leave --budget away"):
            await desk.score(model="local", budget=1.0)


async def test_a_budget_counts_the_embeddings(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        embeddings = desk.model("openai/e")
        with pytest.raises(InputError, match=r"The price of openai/e at .* is not known"):
            await desk.score(
                mode="anchored", categories=FERRY, embeddings=embeddings, model=desk.model(**DEAR), budget=1.0
            )


# --- a preview ---


async def ahead(desk, **settings):
    asking = {name: settings.pop(name) for name in ("ask", "budget") if name in settings}
    return await a_preview_table(desk.folder / "rows.csv", **asking, **desk.given(**settings))


async def test_a_preview_asks_for_nothing(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write([*TEXTS, TEXTS[3], "  "])
        found = await ahead(desk, model=desk.model(price_in=1, price_out=1))
        assert desk.server.stats().received == 0
    assert (found.rows, found.judgements, found.unfit, found.equal, found.questions) == (22, 22, 1, 1, 20)
    assert (found.measured, found.calls.likely, found.cost_usd is None) == (False, 20, False)


async def test_what_a_preview_asked_is_free_for_the_run(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        found = await ahead(desk, ask=5)
        assert (desk.server.stats().received, found.asked, found.questions) == (5, 5, 15)
        result = await desk.score()
        assert (desk.server.stats().received, result.usage.calls) == (20, 15)


async def test_a_preview_counts_what_the_unfinished_job_has(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        first = await desk.score(model=desk.model(**DEAR), budget=1.0, cache=False)
        found = await ahead(desk, model=desk.model(**DEAR), cache=False)
    assert (found.settled, found.questions) == (first.tally.verdicts, 20 - first.tally.verdicts)


async def test_a_preview_of_samples_counts_every_draw(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        found = await ahead(desk, samples=3, ask=4)
        assert (desk.server.stats().received, found.asked, found.questions) == (12, 12, 48)
        await desk.score(samples=3)
        assert desk.server.stats().received == 60


async def test_a_preview_of_rationales_foretells_how_few_calls_their_embeddings_take(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write([f"{number}: late {'again ' * (number % 20)}" for number in range(200)])
        given = {"mode": "anchored", "categories": FERRY, "embeddings": desk.model("openai/e")}
        found = await ahead(desk, ask=20, **given)
        result = await desk.score(**given)
    assert found.questions == 180
    assert found.calls.likely == pytest.approx(result.usage.calls, rel=0.15)
    assert found.tokens_in.likely == pytest.approx(result.usage.tokens_in, rel=0.15)


async def test_a_preview_of_some_rows_counts_those(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        assert (await ahead(desk, sample=6)).questions == 6


async def test_a_preview_keeps_to_a_budget_too(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        with pytest.raises(BudgetSpent):
            await ahead(desk, model=desk.model(**DEAR), ask=20, budget=1.0)
        assert desk.server.stats().received < 10
