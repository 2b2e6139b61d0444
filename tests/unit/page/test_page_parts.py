"""Parts of a page: what is not markup is escaped, charts keep inside their frames, a page stands alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from browsing import Page
from penstock.page import Axis, Column, Layer, Mark, Markup, document, element, escape, foreign, join, plot, table
from penstock.page.figures import steps_between

UNIT = Axis(low=0.0, high=1.0, ticks=[(0.0, "0"), (1.0, "1")])
SIGNED = Axis(low=-1.0, high=1.0, ticks=[(0.0, "0")])


def drawn(layer, *, x=UNIT, y=UNIT, marks=()):
    """Paths of a chart, by class, without the grid."""
    found = Page(plot("title", [layer], x=x, y=y, label="label", marks=marks))
    return {path["class"]: path["d"] for path in found.all("path") if path["class"] != "grid"}


def test_text_is_escaped_and_markup_is_not():
    assert element("p", "<b>", Markup("<i></i>"), title='"') == '<p title="&quot;">&lt;b&gt;<i></i></p>'


def test_none_is_left_out():
    assert element("p", None, "a", class_=None) == "<p>a</p>"
    assert join(["a", None, "b"], by=", ") == "a, b"


@given(text=st.text())
def test_any_text_comes_back_as_it_was_but_for_what_no_page_may_hold(text):
    shown = "".join(Page(element("p", text)).words)
    kept = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]", "\ufffd", text)
    assert shown == kept


def test_a_lone_surrogate_can_be_written():
    escape("\ud800").encode("utf-8")


def test_text_of_others_is_cut_off_and_its_direction_kept_to_itself():
    assert foreign("x" * 10, longest=4) == "<bdi>xxx…</bdi>"


def test_a_page_stands_alone_and_may_load_nothing():
    found = Page(document("a <title>", element("main", "b"), style=".own{color:red}"))
    assert found.open == []
    assert found.needs() == []
    assert found.text == "a <title>b"
    assert ".own{color:red}" in found.source
    assert found.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"].startswith("default-src 'none'")


def test_a_page_fits_the_screen_the_scheme_and_paper():
    source = document("a")
    assert "width=device-width" in source
    assert "prefers-color-scheme: dark" in source
    assert "@media print" in source


def test_a_table_has_a_caption_and_names_its_columns_and_rows():
    found = Page(table("of squares", [Column("n", str), Column("square", lambda n: str(n * n))], [2, 3]))
    assert [head["scope"] for head in found.all("th")] == ["col", "col", "row", "row"]
    assert found.text == "of squaresnsquare2439"
    assert found.all("div", role="region")[0]["aria-label"] == "of squares"


def test_a_line_goes_from_point_to_point():
    line = Layer(kind="line", tone="accent", runs=[[(0.0, 0.0), (0.5, 1.0), (1.0, 0.5)], [(0.2, 0.2)]])
    assert drawn(line) == {"line accent": "M0 100L500 0L1000 50M200 80"}


def test_an_area_goes_down_to_the_bottom():
    area = Layer(kind="area", tone="grey", runs=[[(0.0, 0.5), (1.0, 1.0)]])
    assert drawn(area) == {"area grey": "M0 100L0 50L1000 0V100z"}


def test_bars_are_strokes_from_the_bottom_and_none_is_drawn_for_nothing():
    bars = Layer(kind="bars", tone="accent", runs=[[(0.1, 0.5), (0.2, 0.0)]])
    assert drawn(bars) == {"bars accent": "M100 100V50"}
    assert bars.most == 0.5


def test_a_band_is_closed():
    band = Layer(kind="band", tone="accent", runs=[[(0.0, 1.0), (1.0, 1.0), (1.0, 0.5), (0.0, 0.5)]])
    assert drawn(band) == {"band accent": "M0 0L1000 0L1000 50L0 50z"}


def test_columns_stand_on_zero_and_hang_from_it():
    columns = Layer(kind="columns", tone="second", runs=[[(0.25, 0.5), (0.75, -1.0), (0.5, 0.0)]], width=0.1)
    assert drawn(columns, y=SIGNED) == {"columns second": "M200 50V25H300V50zM700 50V100H800V50z"}


def test_dots_are_lines_without_length():
    assert drawn(Layer(kind="dots", tone="accent", runs=[[(0.5, 0.5)]])) == {"dots accent": "M500 50h0"}


def test_marks_of_one_look_are_one_path():
    marks = [Mark(at=0.1), Mark(at=0.2), Mark(at=0.0, across=True, class_="zero")]
    paths = drawn(Layer(kind="line", tone="ink", runs=[]), y=SIGNED, marks=marks)
    assert paths["start"] == "M100 0V100M200 0V100"
    assert paths["zero"] == "M0 50H1000"


def test_a_chart_says_in_words_what_it_shows():
    found = Page(plot("<t>", [Layer(kind="line", tone="ink", runs=[], name="<n>")], x=UNIT, y=UNIT, label='"l"'))
    assert found.all("svg", role="img")[0]["aria-label"] == '"l"'
    assert found.text == "<t><n>0101"


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (-0.13, 0.24, [-0.1, 0.0, 0.1, 0.2]),
        (0.0, 1.0, [0.0, 0.5, 1.0]),
        (-3.0, -1.0, [-3.0, -2.5, -2.0, -1.5, -1.0]),
        (0.47, 0.53, [0.48, 0.5, 0.52]),
    ],
)
def test_steps_between_are_round(low, high, found):
    assert steps_between(low, high) == found


@given(low=st.floats(-1e6, 1e6), length=st.floats(1e-3, 1e6), about=st.integers(2, 6))
def test_steps_between_stay_between_and_hold_zero_where_it_is_there(low, length, about):
    high = low + length
    found = steps_between(low, high, about=about)
    slack = 1e-5 * length
    assert all(low - slack <= step <= high + slack for step in found)
    assert len(found) <= about + 1
    assert low > 0 or high < 0 or 0 in found
