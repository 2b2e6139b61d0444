"""Cells as a judge sees them."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.tables import text_of


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("as it is ", "as it is "),
        (None, ""),
        (float("nan"), ""),
        (float("inf"), "inf"),
        (3, "3"),
        (3.0, "3"),
        (-0.5, "-0.5"),
        (1e300, "1e+300"),
        (True, "true"),
        (False, "false"),
        (date(2024, 1, 2), "2024-01-02"),
        (datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "2024-01-02T03:04:05+00:00"),
        (time(3, 4), "03:04:00"),
        (timedelta(hours=1), "1:00:00"),
        (Decimal("1.50"), "1.50"),
        ([1, "é", None], '[1, "é", null]'),
        ({"day": date(2024, 1, 2)}, '{"day": "2024-01-02"}'),
        (b"caf\xc3\xa9\xff", "café\ufffd"),
        ("half \ud83d of a pair", "half \ufffd of a pair"),
        ("stray \udcff byte", "stray \ufffd byte"),
    ],
)
def test_a_cell_is_shown_as_a_text(cell, text):
    assert text_of(cell) == text


@given(st.text(st.characters()))
def test_whatever_is_shown_can_be_sent(text):
    assert text_of(text).encode().decode() == text_of(text)
