"""The page says what the facts say, holds nothing from outside, and lets nobody else write in it."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from browsing import Page
from penstock.judge.category import Category
from penstock.ledger.ledger import Chunk, Job
from penstock.models.session import ModelSpec
from penstock.records import Failure, Key, Usage, Verdict
from penstock.score.config import ScoreConfig
from penstock.score.report import ReportFacts, render
from penstock.score.summary import Summary
from penstock.tables.google import SheetLayout

MODEL = ModelSpec(name="openai/small", base_url="https://user:hidden@models.example/v1")

_SETTINGS = ("models", "block", "source", "examples", "cache", "layout")


def make_facts(outcomes=(), *, names=("praise", "anger"), rows=None, status="completed", error="", **rest):
    settings = {name: rest.pop(name) for name in _SETTINGS if name in rest}
    config = ScoreConfig(
        source=settings.pop("source", "/home/somebody/comments.csv"),
        text="comment",
        categories=tuple(Category(name=name) for name in names),
        output="/home/somebody/scored.csv",
        **settings,
    )
    summary = Summary(names)
    for outcome in outcomes:
        summary.take(outcome, sum(len(block) for block in config.blocks[: outcome.key.part]))
    job = Job(
        id="score-1",
        system="score",
        fingerprint="",
        config=config.encoded(),
        folder="",
        status=status,
        rows=summary.rows if rows is None else rows,
        error=error,
    )
    return ReportFacts(job=job, config=config, summary=summary, **rest)


def verdict(row, *scores, part=0, **rest):
    return Verdict(key=Key(row, part), scores=scores, **{"method": "openai/small", **rest})


def failure(row, reason="the reply is cut off", *, part=0, code="bad_reply", **rest):
    return Failure(key=Key(row, part), code=code, reason=reason, **rest)


def course(seconds=12, **gauges):
    """Progress of one run: a line per second, ten rows each, two calls refused each second."""
    return [
        {"seconds": float(second), "done": 10 * second, "failed": 0, "rate": 10.0, "working": 4}
        | {"in_flight": 4, "waiting": 0, "limit": 8.0, "calls": 11 * second, "throttled": 2 * second, "cuts": 1}
        | gauges
        for second in range(seconds)
    ]


def page(*args, **kwargs):
    return Page(render(make_facts(*args, **kwargs)))


@pytest.fixture
def full():
    """A page with every part."""
    outcomes = [
        verdict(0, 0.9, 0.1, seconds=1.25, usage=Usage(calls=1, tokens_in=1_000_000, tokens_out=40)),
        verdict(1, 0.2, 0.4, cached=True),
        failure(2, status=502, usage=Usage(calls=3, tokens_in=200_000), seconds=7.5),
    ]
    measures = dict.fromkeys(("f1", "kappa", "auroc", "average_precision", "calibration_error"), 0.625)
    return make_facts(
        outcomes,
        models=(MODEL,),
        progress=course(cache_hits=1, cache_misses=2),
        pace=[{"at": 1.5, "limit": 6, "rate": None, "why": "found"}],
        chunks=[
            Chunk(number=0, first_row=0, rows=2, status="completed"),
            Chunk(number=1, first_row=2, rows=1, status="failed", retry_count=3, failed=1, last_error="row 3: cut off"),
        ],
        stage_seconds={"judge": 8.0},
        queue_depths={"in": 3},
        agreement={
            "n_texts": 40,
            "macro_f1": 0.5,
            "micro_f1": math.nan,
            "categories": [
                {"name": "praise", "method": "local:trained", "n_positive": 9, "threshold": 0.3, **measures}
            ],
        }
        | measures,
    )


def test_every_element_is_closed_and_headings_go_in_order(full):
    found = Page(render(full))
    assert found.open == []
    assert found.tags["h1"] == 1
    assert found.tags["h2"] == found.tags["section"] == 10


def test_every_table_has_a_caption_and_named_columns_and_rows(full):
    found = Page(render(full))
    assert found.tags["caption"] == found.tags["table"] > 5
    assert all(head.get("scope") in {"col", "row"} for head in found.all("th"))


def test_every_chart_says_in_words_what_it_shows(full):
    found = Page(render(full))
    drawings = found.all("svg")
    assert drawings
    assert all(one["role"] == "img" for one in drawings)
    assert len(found.all("svg", **{"class": "histogram"})) == 2
    assert found.tags["title"] == 3  # one of the page, one of each histogram
    assert all(one.get("aria-label") for one in drawings if one.get("class") != "histogram")


def test_tables_that_scroll_are_reached_by_keyboard(full):
    regions = Page(render(full)).all("div", **{"class": "scroll"})
    assert all(one["tabindex"] == "0" and one["aria-label"] for one in regions)


def test_nothing_is_loaded_from_outside_and_nothing_runs(full):
    found = Page(render(full))
    assert found.needs() == []
    policy = found.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy[0]["content"].startswith("default-src 'none'")


def test_the_page_fits_the_screen_the_scheme_and_paper(full):
    source = render(full)
    assert "width=device-width" in source
    assert "prefers-color-scheme: dark" in source
    assert "@media print" in source


def test_the_verdict_says_everything_in_one_line(full):
    text = Page(render(full)).text
    assert "3 rows, 2 scored, 1 failed, 11.0 s, 121 calls, 22 refused, 50 % from the cache, " in text
    assert "from the cache, 1.2 M tokens in, 40 tokens out." in text


def test_the_verdict_of_an_embedded_judge_speaks_of_no_calls():
    text = page([verdict(0, 0.1, 0.2, method="local:lexical")]).text
    assert "1 row, 1 scored, 0 failed." in text
    assert "refused" not in text
    assert "cache" not in text


def test_rows_that_wait_are_told_and_how_to_go_on():
    text = page([verdict(0, 0.1, 0.2)], rows=5, status="interrupted").text
    assert "4 still to do" in text
    assert "penstock jobs resume score-1" in text


def test_a_completed_job_is_not_to_be_gone_on_with():
    assert "resume" not in page([verdict(0, 0.1, 0.2)]).text


def test_a_failed_job_says_why():
    assert "Given up on some of rows 1-2." in page(status="failed", error="Given up on some of rows 1-2.").text


def test_figures_of_categories_are_those_of_the_summary(full):
    text = Page(render(full)).text
    assert "praise10 % up to 0.27, 50 % up to 0.55, 90 % up to 0.83" + "0.55" + "0.55" + "50 %" in text
    assert "anger10 % up to 0.13, 50 % up to 0.25, 90 % up to 0.37" + "0.25" + "0.25" + "0 %" in text


def test_rows_without_a_text_are_told_of_a_job_that_is_over():
    assert "3 rows, 1 scored, 0 failed, 2 without a text" in page([verdict(0, 0.5, 0.5)], rows=3).text


def test_a_model_with_a_price_shows_it():
    text = page(
        models=(ModelSpec(name="openai/small", base_url="https://models.example/v1", price_in=1, price_out=2),)
    ).text
    assert "1 USD per million tokens in, 2 USD out" in text
    assert "per million tokens" not in page(models=(MODEL,)).text


def test_a_sheet_says_where_its_first_row_is():
    assert "in the chunks, row 1 is row 7 of it" in page(layout=SheetLayout(first_row=7)).text
    assert "Row 1 is the first row below the heads" in page().text


def test_rows_of_a_sheet_have_the_numbers_that_people_see_in_it():
    outcomes = [failure(1), verdict(2, 0.5, 0.5, seconds=2.5, usage=Usage(calls=1))]
    text = page(outcomes, layout=SheetLayout(first_row=7)).text
    assert "8bad_replythe reply is cut off" in text
    assert "RowTimeCalls92.5 s1" in text.replace("\N{NO-BREAK SPACE}", " ")


def test_failed_rows_are_numbered_from_one_with_kind_and_reason(full):
    text = Page(render(full)).text
    assert "1 row bad_reply; HTTP 502: 1." in text
    assert "3bad_replythe reply is cut off" in text


def test_no_failure_is_said_too():
    assert "No row failed." in page([verdict(0, 0.1, 0.2)]).text


def test_a_cut_list_of_failures_says_how_many_there_are():
    assert "The first 50 of 1,200 failed rows" in page([failure(row) for row in range(1_200)]).text


def test_failed_blocks_are_named_where_a_row_has_several():
    outcomes = [failure(0), failure(0, part=1)]
    found = page(outcomes, models=(MODEL,), block=1)
    assert "Blocks" in found.text
    assert "2 judgements bad_reply" in found.text
    assert "11, 2bad_reply" in found.text


def test_slow_rows_show_time_and_calls(full):
    assert "37.5 s3" in Page(render(full)).text


def test_refusals_limit_and_cache_are_drawn_where_there_was_a_pace(full):
    text = Page(render(full)).text
    assert "Calls refused (429) as they came, 22 in all" in text
    assert "The cache was asked 3 questions and knew 1 (33 %)." in text


def test_without_a_refusal_no_empty_chart_of_them_is_drawn():
    found = page([verdict(0, 0.1, 0.2)], models=(MODEL,), progress=course(throttled=0))
    assert "No call was refused (429)." in found.text
    assert "as they came" not in found.text


def test_a_run_too_short_for_a_chart_says_so():
    found = page([verdict(0, 0.1, 0.2)], progress=course(2))
    assert "over too soon" in found.text
    assert found.tags["figure"] == 0


def test_resumed_runs_share_an_axis_with_a_mark_at_each_start():
    found = page([verdict(0, 0.1, 0.2)], models=(MODEL,), progress=course() + course() + course())
    marks = found.all("path", **{"class": "start"})
    assert marks
    assert all(one["d"].count("M") == 2 for one in marks)
    assert "33.0 s in 3 runs" in found.text


def test_events_of_the_pace_are_told_in_words(full):
    text = Page(render(full)).text
    assert "1 event of the pace: the limit was met (1)." in text
    assert "1.5 s6–the limit was met" in text


def test_a_long_list_of_events_shows_its_beginning_and_its_end():
    events = [{"at": float(at), "limit": 4, "rate": 2.5, "why": "raised"} for at in range(500)]
    found = page(pace=events)
    assert "The first 20 and the last 20 events" in found.text
    assert found.text.count("the server takes more calls") == 41


def test_chunks_that_went_badly_are_listed(full):
    text = Page(render(full)).text
    assert "2 chunks of up to 500 rows: 1 completed, 1 failed." in text
    assert "13-3failed31row 3: cut off" in text


def test_agreement_is_shown_where_the_judge_was_trained(full):
    text = Page(render(full)).text
    assert "On 40 examples the judge had not seen: macro F1 0.500, micro F1 –" in text
    assert "praise90.300.6250.625" in text
    assert "Agreement" not in page().text


def test_settings_name_files_without_their_folders_and_servers_without_their_secrets(full):
    source = render(full)
    assert "comments.csv" in source
    assert "openai/small at models.example" in source
    assert "somebody" not in source
    assert "hidden" not in source


def test_a_job_without_any_outcome_has_a_page():
    found = page(rows=0)
    assert "0 rows, 0 scored, 0 failed." in found.text
    assert "no scores" in found.text


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '" onload="alert(1)', "</style><script>", "&lt;b&gt;"])
def test_texts_of_others_are_shown_as_they_are_and_never_part_of_the_page(evil):
    outcomes = [verdict(0, 0.5, 0.5, method=evil), failure(1, evil, code=evil)]
    facts = make_facts(
        outcomes,
        names=(evil, "b"),
        source=f"/x/{evil.replace('/', ':')}.csv",
        error=evil,
        status="failed",
        chunks=[Chunk(number=0, first_row=0, rows=2, status="failed", last_error=evil)],
        pace=[{"at": 0.0, "limit": 1, "rate": None, "why": evil}],
        stage_seconds={evil: 1.0},
        queue_depths={evil: 1.0},
    )
    found = Page(render(facts))
    assert found.tags["script"] == 0
    assert not any(name.startswith("on") for _, attributes in found.elements for name in attributes)
    assert "".join(found.words).count(evil) >= 9


@given(name=st.text(min_size=1, max_size=80), reason=st.text(max_size=80))
def test_any_text_leaves_the_page_whole(name, reason):
    facts = make_facts([failure(0, reason)], names=(name,))
    source = render(facts)
    source.encode("utf-8")
    plain = Page(render(make_facts([failure(0, "plain")], names=("plain",))))
    found = Page(source)
    assert found.open == []
    assert found.tags == plain.tags


@pytest.mark.parametrize("unseen", ["\x00", "\x1b", "\x85", "\ud800", "\uffff"])
def test_characters_that_no_page_may_hold_are_replaced(unseen):
    source = render(make_facts([failure(0, f"a{unseen}b")]))
    assert "a\N{REPLACEMENT CHARACTER}b" in source
    assert unseen not in source


def test_long_texts_are_cut_off():
    source = render(make_facts([failure(0, "x" * 100_000)]))
    assert len(source) < 20_000
    assert "x" * 299 + "…" in source


def test_two_hundred_categories_stay_under_150_kilobytes():
    names = [f"a category with a rather long name, number {number}" for number in range(200)]
    rows = [verdict(row, *[(row * place % 101) / 100 for place in range(200)]) for row in range(101)]
    assert len(render(make_facts(rows, names=names, progress=course(3_000))).encode()) < 150_000


def test_equal_facts_make_equal_pages(full):
    assert render(full) == render(replace(full))


@given(scores=st.lists(st.integers(0, 100), min_size=1, max_size=30))
def test_a_histogram_stays_inside_its_frame(scores):
    found = page([verdict(row, score / 100, 0.0) for row, score in enumerate(scores)])
    at = found.elements.index(("svg", found.all("svg", **{"class": "histogram"})[0]))
    outlines = [attributes["d"] for tag, attributes in found.elements[at + 1 : at + 4] if tag == "path"]
    heights = [int(height) for outline in outlines for height in re.findall(r"V(\d+)", outline)]
    assert min(heights) == 0
    assert max(heights) <= 24
