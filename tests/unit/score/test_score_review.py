"""The least certain scores are listed first, by the best that is known of their certainty."""

import csv
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgers import LEDGERS, failure, job, verdict
from penstock.judge.category import Category
from penstock.judge.detail import Detail
from penstock.judge.similarity import detailed, scored
from penstock.score import ScoreConfig
from penstock.score.review import EXCERPT, Cell, FailedCells, Review, review, uncertainties, write_review
from penstock.tables import open_table

pytestmark = pytest.mark.anyio

NAMES = ("praise", "joy", "fear")


@pytest.fixture
async def ledger(tmp_path):
    async with LEDGERS["sqlite"](tmp_path) as opened:
        await opened.add_job(job(rows=4), [])
        yield opened


def table(folder, texts=("first", "second", "third", "fourth")):
    path = folder / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "comment"], *enumerate(texts)])
    return open_table(path)


def config(**settings):
    categories = tuple(Category(name=name) for name in NAMES)
    return ScoreConfig(source="", text="comment", categories=categories, output="", **settings)


async def reviewed(ledger, folder, *, blocks=1, most=50, **more):
    chosen = replace_blocks(blocks)
    return await review(ledger, "score-1", table(folder, **more), chosen, most=most)


def replace_blocks(size):
    from penstock.models.spec import ModelSpec

    return config(models=(ModelSpec(name="openai/m"),), block=size)


async def test_scores_near_the_middle_come_first(ledger, tmp_path):
    await ledger.record("score-1", [verdict(0, scores=(0.9, 0.5, 0.0)), verdict(2, scores=(0.45, 1.0, 0.2))])
    found = await reviewed(ledger, tmp_path, blocks=3)
    listed = [(cell.row, cell.text, cell.category, cell.score, cell.uncertainty) for cell in found.cells[:3]]
    assert listed == [(0, "first", "joy", 0.5, 1.0), (2, "third", "praise", 0.45, 0.9), (2, "third", "fear", 0.2, 0.4)]
    assert (found.scored, found.unscored, len(found.cells)) == (6, 0, 6)


async def test_blocks_name_their_own_categories(ledger, tmp_path):
    await ledger.record("score-1", [verdict(0, part=1, scores=(0.5,))])
    assert [cell.category for cell in (await reviewed(ledger, tmp_path, blocks=2)).cells] == ["fear"]


async def test_samples_that_differ_come_before_a_score_in_the_middle(ledger, tmp_path):
    detail = Detail(agreement=(0.4, 1.0, 0.9), samples=5).encoded()
    await ledger.record("score-1", [verdict(0, scores=(0.9, 0.5, 0.1), detail=detail)])
    found = await reviewed(ledger, tmp_path, blocks=3)
    assert [(cell.category, cell.uncertainty) for cell in found.cells] == [("praise", 0.6), ("fear", 0.1), ("joy", 0.0)]
    assert found.cells[0].why == "spread of 5 samples"


def test_a_rationale_is_uncertain_where_word_and_similarity_differ():
    cells = [scored("Core", similarity=0.1, r=0.0), scored("Core", similarity=0.9, r=1.0)]
    doubts, why = uncertainties(verdict(scores=(0.8, 0.9), detail=Detail(details=detailed(cells)).encoded()))
    assert doubts == [1.0, 0.0]
    assert why == "word against similarity"


async def test_cells_without_a_score_are_listed_apart(ledger, tmp_path):
    await ledger.record("score-1", [failure(1, part=0), verdict(1, part=1, scores=(0.3,))])
    found = await reviewed(ledger, tmp_path, blocks=2)
    reason = "unfit: the text is empty"
    assert found.failed == (FailedCells(row=1, text="second", categories=("praise", "joy"), reason=reason),)
    assert (found.scored, found.unscored) == (1, 2)


async def test_no_more_than_asked_for_are_kept(ledger, tmp_path):
    await ledger.record("score-1", [verdict(row, scores=(0.1 * row, 0.5, 0.9)) for row in range(4)])
    found = await reviewed(ledger, tmp_path, blocks=3, most=4)
    assert [(cell.row, cell.category) for cell in found.cells] == [(row, "joy") for row in range(4)]


async def test_long_texts_are_cut_and_put_on_one_line(ledger, tmp_path):
    await ledger.record("score-1", [verdict(0, scores=(0.5, 0.5, 0.5))])
    found = await reviewed(ledger, tmp_path, blocks=3, texts=["a\nlong " * 200])
    assert len(found.cells[0].text) == EXCERPT
    assert found.cells[0].text.startswith("a long a long")


async def test_a_job_without_outcomes_has_nothing_to_review(ledger, tmp_path):
    assert await reviewed(ledger, tmp_path) == Review(cells=(), failed=(), scored=0, unscored=0)


CELL = Cell(row=4, text="=1+1", category="joy", score=0.5, uncertainty=1.0, why="near the middle")


def test_the_list_is_a_table_with_an_empty_column_for_people(tmp_path):
    path = tmp_path / "review.csv"
    failed = FailedCells(row=6, text="t", categories=("joy", "fear"), reason="unfit: empty")
    assert write_review(Review(cells=(CELL,), failed=(failed,), scored=1, unscored=2), path) == 3
    with path.open(encoding="utf-8") as file:
        first, *rest = csv.DictReader(file)
    assert (first["row"], first["score"], first["human_score"], first["text"]) == ("5", "0.5", "", "'=1+1")
    assert [(row["row"], row["category"], row["score"]) for row in rest] == [("7", "joy", ""), ("7", "fear", "")]


def test_rows_may_be_numbered_as_people_see_them_in_a_sheet(tmp_path):
    path = tmp_path / "review.csv"
    write_review(Review(cells=(CELL,), failed=(), scored=1, unscored=0), path, first=5)
    assert [row.cells[0] for row in open_table(path).rows()] == ["9"]


@given(st.lists(st.integers(0, 100).map(lambda one: one / 100), min_size=1, max_size=5))
def test_uncertainty_lies_between_0_and_1_and_grows_towards_the_middle(scores):
    doubts, _ = uncertainties(replace(verdict(), scores=tuple(scores)))
    assert all(0 <= doubt <= 1 for doubt in doubts)
    nearest = min(range(len(scores)), key=lambda place: abs(scores[place] - 0.5))
    assert doubts[nearest] == max(doubts)
