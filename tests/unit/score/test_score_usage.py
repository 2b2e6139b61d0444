"""What the judgement of a row took, as cells."""

from ledgers import failure, verdict
from penstock.records import Usage
from penstock.score.usage import usage_cells, usage_columns

ONE = Usage(calls=1, tokens_in=10, tokens_out=3, cost_usd=0.1)


def test_columns_are_named_like_the_status():
    assert [column.name for column in usage_columns()] == [
        "score_calls",
        "score_tokens_in",
        "score_tokens_out",
        "score_cost_usd",
    ]
    assert usage_columns(prefix="m_")[0].name == "m_calls"


def test_all_parts_of_a_row_are_summed_up_failed_ones_included():
    cells = usage_cells([verdict(usage=ONE), failure(part=1, usage=ONE + ONE)], priced=True)
    assert cells == [3, 30, 9, 0.3]


def test_without_a_price_the_cost_is_empty_and_not_nothing():
    assert usage_cells([verdict(usage=ONE)], priced=False) == [1, 10, 3, None]


def test_a_row_that_was_not_judged_has_empty_cells():
    assert usage_cells([], priced=True) == [None] * 4
