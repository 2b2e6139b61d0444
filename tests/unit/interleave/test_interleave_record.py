"""The log line: what stands in it, what it weighs, and that it survives every id."""

import inspect
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interleaved import Trial
from penstock.interleave.methods import METHODS
from penstock.interleave.record import SCHEMA, Record, ShownItem

MOST = 1_200  # bytes of a line at K = 10


def record(**fields):
    return Record(
        **{
            "time": "2026-11-21T09:00:00.123Z",
            "experiment": "home",
            "ranking_id": "20261121-7d1e0c00000000000000",
            "mode": "INTERLEAVE",
            "k": 10,
            "rankers": ("A", "B"),
            "ms": {"A": 12.345, "merge": 0.0213, "total": 21.0},
            "items": [ShownItem(item_id="p17", position=1, source_ranker="A", ranks=(1, None))],
            **fields,
        }
    )


def heaviest(id_length, *, name_length=20, ranks=True, credit=None):
    """Make the line that is longest: every field set, large ranks, slow rankers."""
    items = [
        ShownItem(
            item_id="x" * id_length,
            position=position,
            source_ranker="A",
            ranks=(10 * position, 20 + position) if ranks else (),
            credit=credit,
        )
        for position in range(1, 11)
    ]
    return record(
        experiment="e" * name_length,
        method="probabilistic_v1" if credit else "team_draft_v1",
        unit="session",
        user="0123456789abcdef",
        bucket=9_999,
        seed="user:20261121",
        competitive=True,
        settings="stale",
        parallel=False,
        depth=(30, 30),
        ms={"A": 1_234.56, "B": 1_234.56, "merge": 12.34, "total": 12_345.67},
        items=items,
    ).line()


def test_a_line_is_one_line_of_json():
    line = record().line()
    assert "\n" not in line
    assert json.loads(line)["schema"] == SCHEMA == "penstock.interleave/1"


def test_what_does_not_apply_is_left_out():
    items = [ShownItem(item_id="p17", position=1, source_ranker="A")]
    assert set(json.loads(record(items=items).line())) == {
        *("schema", "time", "experiment", "ranking_id", "mode", "k", "rankers", "ms", "items")
    }


def test_what_is_false_or_zero_is_not_left_out():
    logged = record(bucket=0, competitive=False, parallel=False, k=0).as_dict()
    assert (logged["bucket"], logged["competitive"], logged["parallel"], logged["k"]) == (0, False, False, 0)


def test_an_item_tells_its_place_and_its_source():
    assert record().as_dict()["items"] == [{"item_id": "p17", "position": 1, "source_ranker": "A"}]


def test_ranks_and_credits_stand_in_columns_in_the_order_of_rankers_and_items():
    items = [
        ShownItem(item_id="a", position=1, source_ranker="A", ranks=(1, None), credit=-1 / 3),
        ShownItem(item_id="b", position=2, source_ranker="B", ranks=(4, 1), credit=0.5),
    ]
    logged = json.loads(record(items=items).line())
    assert (logged["ranks"], logged["credits"]) == ([[1, 4], [None, 1]], [-0.333333, 0.5])


def test_times_are_written_with_two_decimals():
    assert record().as_dict()["ms"] == {"A": 12.35, "merge": 0.02, "total": 21.0}


@pytest.mark.parametrize("kind", [Record, ShownItem])
def test_every_field_is_documented(kind):
    described = re.findall(r"^ {4}(\w+):", inspect.getdoc(kind), re.MULTILINE)
    assert set(described) == set(kind.__dataclass_fields__)


def test_a_page_without_items_is_a_line_too():
    assert json.loads(record(items=[]).line())["items"] == []


def test_ten_items_with_ids_of_twelve_characters_fit_the_size():
    assert len(heaviest(12, name_length=40)) <= MOST


@pytest.mark.parametrize("method", METHODS)
def test_ten_items_of_a_real_ranking_fit_the_size(method):
    lists = [[f"item-{number:07d}" for number in order] for order in (range(200), range(199, -1, -1))]
    trial = Trial(*lists, settings={"mode": "INTERLEAVE", "sampling_rate": 1, "interleave_method": method})
    for number in range(20):
        trial.rank(k=10, user_id=number)
        assert len(trial.record.items) == 10
        assert len(trial.record.line()) <= MOST


@given(st.text(max_size=30))
def test_every_id_comes_back_from_the_line(word):
    line = record(items=[ShownItem(item_id=word, position=1, source_ranker="A")]).line()
    assert line.isascii()
    assert line.splitlines() == [line]
    assert json.loads(line)["items"][0]["item_id"] == word


@pytest.mark.parametrize(
    "hostile", ["\ud800", "a\nb\r\u2028c", '"}],"mode":"A', "\x00", "x" * 100_000, "<script>", "\\", "😀"]
)
def test_hostile_ids_go_from_the_ranker_to_the_line_and_back(hostile):
    trial = Trial([hostile, "b"], ["b", hostile])
    assert sorted(trial.rank().ranking) == sorted([hostile, "b"])
    logged = json.loads(trial.record.line())
    assert sorted(item["item_id"] for item in logged["items"]) == sorted([hostile, "b"])
    assert logged["mode"] == "INTERLEAVE"
