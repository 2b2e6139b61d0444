"""Ways to judge: samples, rationales, fallbacks, and the review of what came of them; whole jobs on real servers."""

import json
import math

import pytest

from browsing import Page
from penstock.errors import InputError, Refused
from penstock.jobs.chunks import plan
from penstock.jobs.workspace import Workspace
from penstock.judge import Category
from penstock.ledger.ledger import Job
from penstock.models import ModelSpec
from penstock.score import a_resume, score_table
from penstock.score.api import make_config
from penstock.score.look import a_review
from penstock.tables import open_table
from penstock.testing import (
    Behaviour,
    ModelServer,
    expected_analyses,
    expected_embedding,
    expected_scores,
    serve_in_process,
)
from scored import bench

pytestmark = pytest.mark.anyio

TEXTS = [f"{number}: the ferry was late" for number in range(20)]
WEIGHTS = {"Core": 0.95, "Strong": 0.80, "Reasonable": 0.55, "Weak": 0.25, "None": 0.05}
FERRY = [
    Category(name="delay", definition="The ferry was late.", detail="minutes, waiting"),
    Category(name="crew", definition="How the crew behaved."),
    Category(name="fare", definition="What the trip cost.", detail="dear, cheap"),
]


def varied(draws):
    """A model whose replies to one text are these, in turn."""
    left = {}

    def answer(body):
        text = str(body["messages"][-1]["content"])
        return json.dumps({"scores": left.setdefault(text, list(draws)).pop(0)})

    return answer


# --- several samples ---


async def test_samples_are_means_with_an_agreement(tmp_path):
    async with bench(tmp_path, answer=varied([[0.2, 1.0], [0.4, 1.0], [0.9, 0.0]])) as desk:
        desk.write(TEXTS)
        result = await desk.score(samples=3)
        assert (desk.server.stats().answered, result.usage.calls) == (60, 60)
    assert set(desk.column("joy")) == {"0.5"}
    assert set(desk.column("fear")) == {"0.67"}
    apart = [(0.2 + 0.7 + 0.5) / 3, (0 + 1 + 1) / 3]
    assert float(desk.column("score_agreement")[0]) == pytest.approx(1 - sum(apart) / 2, abs=1e-4)


async def test_samples_are_asked_for_with_some_variety(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS[:2])
        await desk.score(samples=2)
        assert {body["temperature"] for body in desk.mind.bodies} == {0.7}


async def test_a_temperature_that_was_set_is_kept_for_samples(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS[:2])
        await desk.score(samples=2, model=desk.model(temperature=0.3))
        assert {body["temperature"] for body in desk.mind.bodies} == {0.3}


async def test_one_sample_has_no_variety_and_no_column_of_agreement(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS[:2])
        await desk.score()
        assert {body["temperature"] for body in desk.mind.bodies} == {0.0}
    assert "score_agreement" not in desk.rows()[0]


async def test_the_fallback_gets_the_variety_of_samples_too(tmp_path):
    async with bench(tmp_path) as desk:
        answer = desk.mind.answer
        desk.mind.answer = lambda body: "no" if body["model"] == "m" else answer(body)
        desk.write(TEXTS[:2])
        await desk.score(samples=2, fallback=[desk.model("openai/second")])
        assert {(body["model"], body["temperature"]) for body in desk.mind.bodies} == {("m", 0.7), ("second", 0.7)}


async def test_draws_that_were_answered_are_not_asked_for_again(tmp_path):
    async with bench(tmp_path) as desk:
        answer, failing = desk.mind.answer, {"left": 1}

        def once(body):
            failing["left"] -= 1
            return "no" if failing["left"] == 0 else answer(body)

        desk.write(TEXTS[:1])
        desk.mind.answer = once
        first = await desk.score(samples=3)
        assert (first.tally.failures, first.usage.calls) == (1, 3)
        desk.again()
        then = await a_resume(home=tmp_path / "home", again=True)
        assert len(desk.mind.asked) == 1
    assert (then.tally.verdicts, then.usage.calls) == (1, 4)


async def test_equal_samples_agree_wholly(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS[:3])
        await desk.score(samples=3)
    assert set(desk.column("score_agreement")) == {"1.0"}
    assert desk.column("joy") == [f"{expected_scores(text, 2)[0]:g}" for text in TEXTS[:3]]


# --- anchored rationales ---


def by_hand(text, place, cosines):
    """Work out a score of a text from the server's word and the cosines of all its categories."""
    anchor = expected_analyses(text, 3)[place].partition(":")[0]
    r = (cosines[place] - min(cosines)) / (max(cosines) - min(cosines))
    score = 0.7 * WEIGHTS[anchor] + 0.3 / (1 + math.exp(-3 * (r - 0.5)))
    return round({"Core": max(0.8, score), "None": min(0.2, score)}.get(anchor, score), 2)


async def test_rationales_become_scores_by_the_formula(tmp_path):
    named = ["delay: The ferry was late.: minutes, waiting", "crew: How the crew behaved."]
    named.append("fare: What the trip cost.: dear, cheap")
    places = [expected_embedding(one) for one in named]
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        await desk.score(mode="anchored", embeddings=desk.model("openai/e"), categories=FERRY)
    for row in desk.rows():
        vector = expected_embedding(row["text"])
        cosines = [sum(a * b for a, b in zip(vector, place, strict=True)) for place in places]
        details = json.loads(row["score_details"])
        assert [f"{one['anchor']}: {one['rationale']}" for one in details] == expected_analyses(row["text"], 3)
        for number, (category, detail) in enumerate(zip(FERRY, details, strict=True)):
            assert float(row[category.name]) == pytest.approx(by_hand(row["text"], number, cosines), abs=0.0101)
            assert detail["similarity"] == pytest.approx(cosines[number], abs=1e-6)
            assert detail["anchor_part"] == pytest.approx(0.7 * WEIGHTS[detail["anchor"]])


async def test_the_parts_of_a_rationale_add_up_to_its_score(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        await desk.score(mode="anchored", categories=FERRY, block=2)
    for row in desk.rows():
        for detail in json.loads(row["score_details"]):
            total = detail["anchor_part"] + detail["similarity_part"]
            held = {"Core": max(0.8, total), "None": min(0.2, total)}.get(detail["anchor"], total)
            assert float(row[detail["category"]]) == pytest.approx(held, abs=0.00501)


async def test_blocks_are_stretched_over_all_categories_of_a_row(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        await desk.score(mode="anchored", categories=FERRY, block=1)
    for row in desk.rows():
        near = [detail["r"] for detail in json.loads(row["score_details"])]
        assert (min(near), max(near)) == (0.0, 1.0)


async def test_local_vectors_ask_no_server_for_embeddings(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        result = await desk.score(mode="anchored", categories=FERRY)
        assert (desk.server.stats().received, result.usage.calls) == (20, 20)


async def test_a_text_that_cannot_be_embedded_costs_no_call_of_the_model(tmp_path):
    async with bench(tmp_path) as desk, ModelServer(Behaviour(faults={"policy": 1.0})) as other:
        desk.write(TEXTS[:3])
        embeddings = ModelSpec(name="openai/e", base_url=other.url, attempts=1)
        result = await desk.score(mode="anchored", categories=FERRY, embeddings=embeddings)
        assert (desk.server.stats().received, result.tally.failures) == (0, 3)
    assert desk.column("score_status") == ["failed"] * 3


async def test_remembered_rationales_need_no_call_at_all(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        given = {"mode": "anchored", "categories": FERRY, "embeddings": desk.model("openai/e")}
        await desk.score(**given)
        first = desk.rows()
        desk.again()
        then = await desk.score(**given)
        assert (desk.server.stats().received, then.usage.calls) == (0, 0)
    assert desk.rows() == first


async def test_samples_of_rationales_are_means_too(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS[:4])
        result = await desk.score(mode="anchored", categories=FERRY, samples=2)
        assert result.usage.calls == 8
    assert set(desk.column("score_agreement")) == {"1.0"}


async def test_texts_of_a_batch_share_the_calls_for_their_embeddings(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        given = {"mode": "anchored", "categories": FERRY, "embeddings": desk.model("openai/e"), "batch": True}
        result = await desk.score(**given)
        stats = desk.server.stats()
    assert (result.tally.verdicts, stats.batch_lines + stats.received < 20 + 6) == (20, True)
    assert result.usage.calls == stats.batch_lines + stats.received


async def test_a_page_about_rationales_and_samples_says_so(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        result = await desk.score(
            mode="anchored", categories=FERRY, samples=2, model=desk.model(price_in=1, price_out=2)
        )
    words = Page(result.report.read_text(encoding="utf-8")).text
    assert "anchored, placed by local vectors" in words
    assert "2 per call, means are kept" in words
    assert "1 USD per million tokens in, 2 USD out" in words
    assert f"{result.cost_usd:.4f}"[:5] in words


# --- models one after the other ---


async def test_the_reason_for_a_fallback_is_kept_in_the_ledger_and_the_table(tmp_path):
    async with bench(tmp_path) as desk:
        answer = desk.mind.answer
        desk.mind.answer = lambda body: "no" if body["model"] == "m" else answer(body)
        desk.write(TEXTS[:2])
        result = await desk.score(fallback=[desk.model("openai/second")])
        async with Workspace(tmp_path / "home") as workspace:
            outcomes = await workspace.ledger.outcomes(result.job.id, 0, 9)
    assert [(one.method, one.note[:10]) for one in outcomes] == [("openai/second", "openai/m: ")] * 2
    assert desk.column("score_status") == ["ok"] * 2
    assert desk.column("score_reason") == [one.note for one in outcomes]


async def test_models_of_several_samples_are_named_in_the_order_of_the_chain(tmp_path):
    async with bench(tmp_path) as desk:
        answer, turns = desk.mind.answer, [0]

        def in_turn(body):
            turns[0] += body["model"] == "m"
            return "no" if body["model"] == "m" and turns[0] % 2 else answer(body)

        desk.mind.answer = in_turn
        desk.write(TEXTS)
        await desk.score(samples=2, model=desk.model(concurrency=1), fallback=[desk.model("openai/a")])
    assert "openai/m + openai/a" in desk.column("score_method")
    assert "openai/a + openai/m" not in desk.column("score_method")


async def test_each_model_has_its_own_temperature(tmp_path):
    async with bench(tmp_path) as desk:
        answer = desk.mind.answer
        desk.mind.answer = lambda body: "no" if body["model"] == "m" else answer(body)
        desk.write(TEXTS[:1])
        await desk.score(model=desk.model(temperature=0.2), fallback=[desk.model("openai/n", temperature=None)])
        assert [body.get("temperature") for body in desk.mind.bodies] == [0.2, None]


async def test_a_refused_key_stops_the_job_before_a_fallback(tmp_path):
    async with bench(tmp_path, behaviour=Behaviour(api_key="right")) as desk:
        desk.write(TEXTS)
        with pytest.raises(Refused):
            await desk.score(fallback=[desk.model("openai/second")])


# --- a review ---


async def test_a_review_lists_the_least_certain_scores_first(tmp_path):
    async with bench(tmp_path, answer=varied([[0.0, 0.5], [0.0, 0.7]])) as desk:
        desk.write(TEXTS[:2])
        await desk.score(samples=2)
        found, first = await a_review(home=tmp_path / "home")
    assert [(one.category, one.uncertainty) for one in found.cells] == [("fear", 0.2)] * 2 + [("joy", 0.0)] * 2
    assert (first, found.scored, found.unscored) == (1, 4, 0)


async def test_a_review_of_plain_scores_begins_in_the_middle(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        await desk.score()
        found, _ = await a_review(home=tmp_path / "home", most=7)
    scores = sorted((score for text in TEXTS for score in expected_scores(text, 2)), key=lambda one: abs(one - 0.5))
    assert [abs(one.score - 0.5) for one in found.cells] == pytest.approx([abs(one - 0.5) for one in scores[:7]])


async def test_a_review_ends_with_what_has_no_score(tmp_path):
    async with bench(tmp_path, unfit={TEXTS[1]}) as desk:
        desk.write(TEXTS[:3])
        await desk.score()
        await a_review(home=tmp_path / "home", output=tmp_path / "review.csv")
    table = open_table(tmp_path / "review.csv")
    rows = [dict(zip(table.columns, row.cells, strict=True)) for row in table.rows()]
    assert [(row["row"], row["category"], row["score"]) for row in rows[-2:]] == [("2", "joy", ""), ("2", "fear", "")]
    assert len(rows) == 6


async def test_a_review_that_a_person_has_filled_in_is_not_lost(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        await desk.score()
        path = tmp_path / "review.csv"
        await a_review(home=tmp_path / "home", output=path)
        await a_review(home=tmp_path / "home", output=path)  # nobody has written into it
        path.write_text(path.read_text(encoding="utf-8").replace(",,", ",0.9,", 1), encoding="utf-8")
        with pytest.raises(InputError, match=r"review\.csv holds scores that a person gave"):
            await a_review(home=tmp_path / "home", output=path)


# --- jobs of earlier versions, and one call for everything ---

LATER = (
    *("mode", "embeddings", "samples", "video", "video_mb", "video_timeout", "private", "limit", "sample", "prices"),
    *("usage", "batch", "batch_lines", "layout", "rationales", "flush_interval", "flush_count", "writes_per_minute"),
)
"""What the version before sheets, videos and money did not know."""


def as_before(config):
    """Write a configuration as the version before did."""
    kept = {name: value for name, value in json.loads(config.encoded()).items() if name not in LATER}
    for spec in kept["models"]:
        del spec["price_in"], spec["price_out"]
    return json.dumps(kept)


async def test_a_job_of_the_version_before_is_resumed_reviewed_and_delivered(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        given = desk.given()
        home = given.pop("home")
        config = as_before(make_config(tmp_path / "rows.csv", **given))
        async with Workspace(home) as workspace:
            job = Job(id="score-1", system="score", fingerprint="f", config=config, folder="", rows=20)
            await workspace.ledger.add_job(job, plan(20, chunk_rows=500))
        result = await a_resume("score-1", home=home)
        found, _ = await a_review("score-1", home=home)
    assert (result.job.status, result.tally.verdicts, found.scored) == ("completed", 20, 40)
    assert desk.column("score_status") == ["ok"] * 20


def test_everything_can_be_said_in_one_call(tmp_path):
    (tmp_path / "rows.csv").write_text("\n".join(["text", *TEXTS]), encoding="utf-8")
    with serve_in_process() as server:
        model = ModelSpec(name="openai/m", base_url=server.url, price_in=1, price_out=2)
        result = score_table(
            tmp_path / "rows.csv",
            text="text",
            categories=FERRY,
            home=tmp_path / "home",
            model=model,
            fallback=[ModelSpec(name="openai/n", base_url=server.url, price_in=1, price_out=2)],
            mode="anchored",
            samples=2,
            limit=10,
            sample=5,
            usage=True,
            budget=1.0,
        )
    assert (result.job.status, result.rows, result.usage.calls) == ("completed", 5, 10)
    added = open_table(tmp_path / "rows.scored.csv").columns[1:]
    assert added == (
        *("delay", "crew", "fare", "score_status", "score_method", "score_reason", "score_agreement", "score_details"),
        *("score_calls", "score_tokens_in", "score_tokens_out", "score_cost_usd"),
    )
