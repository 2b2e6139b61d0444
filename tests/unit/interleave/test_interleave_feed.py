"""A ranking that is read as far as somebody needs it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.interleave.feed import END, Feed


def test_nothing_is_read_before_an_item_is_asked_for():
    source = iter([1, 2, 3])
    Feed(source)
    assert list(source) == [1, 2, 3]


def test_an_item_takes_no_more_than_it_and_those_before_it():
    source = iter([1, 2, 3, 4])
    assert Feed(source).at(1) == 2
    assert next(source) == 3


def test_behind_the_last_item_is_the_end():
    feed = Feed([1])
    assert feed.at(0) == 1
    assert feed.at(1) is END
    assert feed.at(9) is END
    assert repr(END) == "END"


def test_the_head_of_a_short_ranking_is_all_of_it():
    assert Feed([1, 2]).head(5) == [1, 2]


@given(st.lists(st.integers(0, 9)), st.integers(0, 20))
def test_of_a_repeated_item_the_first_place_counts(items, count):
    assert Feed(items).head(count) == list(dict.fromkeys(items))[:count]


def test_a_ranking_that_breaks_off_gives_what_it_had():
    def broken():
        yield 1
        raise ValueError("broken")

    feed = Feed(broken())
    assert feed.head(1) == [1]
    with pytest.raises(ValueError, match="broken"):
        feed.head(2)
    assert feed.head(1) == [1]
