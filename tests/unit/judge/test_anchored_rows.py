"""Rationales of whole rows: categories embedded once, a text once for all its blocks."""

import anyio
import numpy as np
import pytest

from embedders import Tallied
from pacing import in_virtual_time
from penstock.errors import InputError, Rejected
from penstock.flow.shield import Worker, enlist, on_duty, waiting
from penstock.judge.anchored import Analysis, Anchoring
from penstock.judge.category import Category
from penstock.judge.similarity import scored
from penstock.judge.vectors import LocalVectors
from penstock.models.embedding_calls import Embedded
from penstock.records import Usage

pytestmark = pytest.mark.anyio

CATEGORIES = [
    Category(name="fares", definition="What a ferry ticket costs."),
    Category(name="crew", definition="Sailors and staff on board."),
    Category(name="delays", definition="The boat is late."),
]
TEXT = "The ticket costs too much."


def said(*anchors):
    return [Analysis(anchor=anchor, rationale=f"{anchor}, because") for anchor in anchors]


async def test_a_category_is_compared_with_all_of_the_row_whatever_its_block():
    anchoring = Anchoring(CATEGORIES, LocalVectors())
    whole = await anchoring.details(TEXT, 0, said("Core", "None", "Weak"))
    blocks = [*await anchoring.details(TEXT, 0, said("Core")), *await anchoring.details(TEXT, 1, said("None", "Weak"))]
    assert list(whole) == blocks
    assert [cell.category for cell in whole] == ["fares", "crew", "delays"]
    assert whole[0].r == 1.0
    assert min(cell.r for cell in whole) == 0.0
    assert whole[0] == scored(
        "Core", similarity=whole[0].similarity, r=1.0, category="fares", rationale="Core, because"
    )


async def test_scores_come_with_plain_values_of_what_they_were_made_of():
    anchoring = Anchoring(CATEGORIES, LocalVectors())
    scores, details = await anchoring.scores(TEXT, 1, said("Strong", "None"))
    cells = await anchoring.details(TEXT, 1, said("Strong", "None"))
    assert scores == tuple(cell.score for cell in cells)
    assert [detail["category"] for detail in details] == ["crew", "delays"]
    assert set(details[0]) == {
        "category", "anchor", "similarity", "r", "anchor_part", "similarity_part", "rationale",
    }  # fmt: skip


async def test_one_category_is_neither_near_nor_far():
    (cell,) = await Anchoring(CATEGORIES[:1], LocalVectors()).details(TEXT, 0, said("Core"))
    assert (cell.r, cell.score) == (0.5, 0.82)


async def test_categories_are_embedded_once_and_a_text_once_for_its_blocks():
    embedder = Tallied(takes=0.001)
    anchoring = Anchoring(CATEGORIES, embedder)
    async with anyio.create_task_group() as tasks:
        for text in ("one", "three"):
            tasks.start_soon(anchoring.prepare, text)
    for first in range(3):
        await anchoring.details("one", first, said("Weak"))
    assert embedder.calls[0] == [
        "fares: What a ferry ticket costs.",
        "crew: Sailors and staff on board.",
        "delays: The boat is late.",
    ]
    assert sorted(embedder.calls[1:]) == [["one"], ["three"]]


async def test_what_embedding_took_is_counted_once():
    anchoring = Anchoring(CATEGORIES, Tallied())
    await anchoring.details("one", 0, said("Weak"))
    await anchoring.details("two", 0, said("Weak"))
    assert anchoring.take_usage("one") == Usage(calls=2, tokens_in=40, cost_usd=1.0)  # the categories with it
    assert anchoring.take_usage("two") == Usage(calls=1, tokens_in=10, cost_usd=0.5)
    assert anchoring.take_usage("one") == anchoring.take_usage("never seen") == Usage()


async def test_no_more_texts_are_remembered_than_allowed():
    embedder = Tallied()
    anchoring = Anchoring(CATEGORIES, embedder, kept=2)
    for text in ("a", "bb", "ccc", "ccc", "bb", "a"):
        await anchoring.prepare(text)
    assert embedder.calls[1:] == [["a"], ["bb"], ["ccc"], ["a"]]


async def test_a_text_that_cannot_be_embedded_fails_alone():
    fails = lambda texts: Rejected("too long") if texts == ["bad"] else None  # noqa: E731
    anchoring = Anchoring(CATEGORIES, Tallied(fails=fails))
    with pytest.raises(Rejected, match="too long"):
        await anchoring.prepare("bad")
    await anchoring.prepare("good")


async def test_another_model_under_the_same_name_is_found_out():
    class Changing(Tallied):
        async def embed(self, texts, /):
            return Embedded(vectors=np.ones((len(texts), 1 + len(texts)), np.float32))

    with pytest.raises(InputError, match="vectors of 2 numbers for texts, and of 4 for categories"):
        await Anchoring(CATEGORIES, Changing()).prepare("one")


async def test_scores_leave_no_other_worker_on_duty():
    assert on_duty() is None
    await Anchoring(CATEGORIES, Tallied()).details("one", 0, said("Weak"))
    assert on_duty() is None


@pytest.mark.parametrize(("in_hand", "kept"), [(True, ["Weak"]), (False, [])])
def test_a_stop_takes_nobody_away_who_has_a_reply_in_hand(in_hand, kept):
    class Queued(Tallied):
        async def embed(self, texts, /):
            with waiting():
                await anyio.sleep(1)
            return await super().embed(texts)

    found = []

    async def work(worker, anchoring):
        enlist(worker)
        with worker.scope:
            if not in_hand:
                await anchoring.prepare("one")
            found.extend(cell.anchor for cell in await anchoring.details("one", 0, said("Weak")))

    async def main():
        worker = Worker()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work, worker, Anchoring(CATEGORIES, Queued()))
            await anyio.sleep(0.5)
            worker.stop()

    in_virtual_time(main)
    assert found == kept
