from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgers import failure, verdict
from penstock.jobs.chunks import OpenChunk, digest, pause, plan, settled, unsettled
from penstock.ledger.ledger import Chunk
from penstock.records import Item, Key

DIGESTS = st.text("0123456789abcdef", min_size=16, max_size=16)


def item(row=0, part=0, digest="0123456789abcdef"):
    return Item(key=Key(row, part), fields={"text": "t"}, digest=digest)


def opened(rows=3, **more):
    items = [item(row) for row in range(rows)]
    return OpenChunk(chunk=Chunk(number=0, first_row=0, rows=rows), waiting={one.key: one for one in items}, **more)


@given(st.integers(0, 500), st.integers(1, 60))
def test_a_plan_covers_every_row_once_and_in_order(rows, chunk_rows):
    chunks = plan(rows, chunk_rows=chunk_rows)
    covered = [row for chunk in chunks for row in range(chunk.first_row, chunk.first_row + chunk.rows)]
    assert covered == list(range(rows))
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert all(1 <= chunk.rows <= chunk_rows and chunk.status == "pending" for chunk in chunks)


@given(st.integers(0, 499), st.integers(1, 60))
def test_a_row_lies_in_the_chunk_that_its_number_names(row, chunk_rows):
    chunk = plan(500, chunk_rows=chunk_rows)[row // chunk_rows]
    assert chunk.first_row <= row < chunk.first_row + chunk.rows


def test_the_pauses_before_new_tries_double_up_to_a_minute():
    assert [pause(retry) for retry in range(1, 9)] == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_chunk_that_was_tried_very_often_still_waits_a_minute():
    assert pause(900) == 60


@given(st.lists(DIGESTS, min_size=1, max_size=8), st.data())
def test_the_digest_of_a_chunk_changes_with_each_of_its_items(digests, data):
    place = data.draw(st.integers(0, len(digests) - 1))
    changed = data.draw(DIGESTS.filter(lambda other: other != digests[place]))
    before = digest([item(digest=one) for one in digests])
    assert before == digest([item(digest=one) for one in digests])
    assert before != digest([item(digest=one) for one in [*digests[:place], changed, *digests[place + 1 :]]])
    assert len(before) == 16


def test_an_item_without_an_outcome_is_still_to_do():
    assert not settled(item(), None, again=False)


def test_a_verdict_on_the_same_text_settles_an_item():
    assert settled(item(), verdict(), again=False)
    assert settled(item(), verdict(), again=True)


@pytest.mark.parametrize("outcome", [verdict(), failure()])
def test_an_outcome_on_another_text_settles_nothing(outcome):
    assert not settled(item(digest="f" * 16), outcome, again=False)


def test_a_failure_for_now_is_tried_again():
    assert not settled(item(), failure(later=True), again=False)


def test_a_failure_for_good_is_tried_again_only_when_asked_for():
    assert settled(item(), failure(), again=False)
    assert not settled(item(), failure(), again=True)


@given(
    st.lists(
        st.tuples(st.sampled_from(["none", "verdict", "failure", "later"]), st.booleans()), min_size=1, max_size=12
    ),
    st.booleans(),
)
def test_the_resume_filter_leaves_exactly_what_is_still_to_do_in_order(cases, again):
    items = [item(row, digest="f" * 16 if changed else "0123456789abcdef") for row, (_, changed) in enumerate(cases)]
    make = {"verdict": verdict, "failure": failure, "later": lambda row: failure(row, later=True)}
    known = {Key(row): make[kind](row) for row, (kind, _) in enumerate(cases) if kind != "none"}
    todo = {
        "none": {True, False},
        "verdict": set(),
        "failure": {True} if again else set(),
        "later": {True, False},
    }
    expected = [row for row, (kind, changed) in enumerate(cases) if changed or again in todo[kind]]
    assert [one.key.row for one in unsettled(items, known, again=again)] == expected


def test_a_chunk_whose_items_are_all_judged_is_completed():
    chunk = opened()
    for row in range(3):
        chunk.take(verdict(row))
    assert chunk.close(retry_limit=3) is None
    assert (chunk.chunk.status, chunk.chunk.failed, chunk.chunk.last_error) == ("completed", 0, "")


def test_a_chunk_with_failures_for_good_is_completed_and_says_how_many():
    chunk = opened()
    for outcome in (verdict(0), failure(1), failure(2)):
        chunk.take(outcome)
    assert chunk.close(retry_limit=3) is None
    assert (chunk.chunk.status, chunk.chunk.failed) == ("completed", 2)
    assert chunk.chunk.last_error == "row 3: the text is empty"


def test_only_the_items_that_failed_for_now_are_tried_again():
    chunk = opened()
    for outcome in (verdict(0), failure(1, later=True), failure(2)):
        chunk.take(outcome)
    assert chunk.close(retry_limit=3) == 2
    assert list(chunk.waiting) == [Key(1)]
    assert (chunk.chunk.status, chunk.chunk.retry_count) == ("pending", 1)


def test_a_chunk_is_tried_again_after_growing_pauses_and_then_given_up():
    chunk = opened(rows=1)
    pauses = []
    for _ in range(8):
        chunk.take(failure(0, later=True))
        pauses.append(chunk.close(retry_limit=7))
    assert pauses == [2, 4, 8, 16, 32, 60, 60, None]
    assert (chunk.chunk.status, chunk.chunk.retry_count, chunk.chunk.failed) == ("failed", 7, 1)


def test_a_retry_that_works_completes_the_chunk():
    chunk = opened(rows=2)
    chunk.take(verdict(0))
    chunk.take(failure(1, later=True))
    assert chunk.close(retry_limit=1) == 2
    chunk.take(verdict(1))
    assert chunk.close(retry_limit=1) is None
    assert (chunk.chunk.status, chunk.chunk.failed, chunk.chunk.last_error) == ("completed", 0, "")


def test_without_retries_a_failure_for_now_gives_the_chunk_up():
    chunk = opened(rows=1)
    chunk.take(failure(0, later=True))
    assert chunk.close(retry_limit=0) is None
    assert chunk.chunk.status == "failed"


def test_the_tries_of_earlier_runs_stay_counted_but_each_run_has_its_own_limit():
    chunk = opened(rows=1)
    chunk.chunk = replace(chunk.chunk, retry_count=3)
    chunk.take(failure(0, later=True))
    assert chunk.close(retry_limit=3) == 2
    assert chunk.chunk.retry_count == 4
