"""Keywords are found as ideas, not as letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.grade.offline import matched


@pytest.mark.parametrize(
    ("keyword", "answer"),
    [
        ("AI", "An AI system decides."),
        ("evaporation", "The water evaporated in the sun."),
        ("evaporation", "It did not melt, evaporation did it."),
        ("evaporation", "not only evaporation but also wind"),
        ("kinetic energy", "the kinetic and thermal energy grow"),
        ("cell membrane", "It crosses the cell's membrane."),
        ("photosynthesis", "photosynthsis happens in leaves"),
        ("heat|warmth", "The warmth makes it faster."),
        ("C++", "I would write it in C++."),
        ("3.5", "It is 3.5 metres long."),
        ("50 %", "about 50 % of it"),
        ("ＤＮＡ", "a dna strand"),
        ("café", "the cafe\u0301 is open"),
        ("蒸发", "水蒸发了"),
        ("顺序存储结构", "用顺序的存储结构"),
        ("蒸発", "水が蒸発する"),
        ("증발", "물이 증발했다"),
        ("기계 학습", "기계학습을 쓴다"),
    ],
)
def test_a_keyword_is_found_however_it_is_written(keyword: str, answer: str) -> None:
    assert matched([keyword], answer) == (keyword,)


@pytest.mark.parametrize(
    ("keyword", "answer"),
    [
        ("AI", "He said so."),
        ("nitrate", "It is nitrite."),
        ("kinetic energy", "Energy. Then kinetic things."),
        ("C++", "I would write it in C."),
        ("3.5", "It is 13.5 or 3.55 metres."),
        ("증발기", "물이 증발한다"),
        ("evaporation", ""),
        ("", "anything"),
        (" | ", "anything"),
    ],
)
def test_a_keyword_is_not_found_inside_of_something_else(keyword: str, answer: str) -> None:
    assert matched([keyword], answer) == ()


@pytest.mark.parametrize(
    ("keyword", "answer"),
    [
        ("evaporation", "It is not evaporation."),
        ("evaporation", "It happens without any evaporation."),
        ("evaporation", "It isn't evaporation."),
        ("Verdunstung", "Es ist keine Verdunstung."),
        ("蒸发", "这不是蒸发"),
        ("蒸発", "それは蒸発ではない"),
        ("증발", "이것은 증발이 아니다"),
        ("증발", "물이 증발하지 않는다"),
    ],
)
def test_a_denied_keyword_does_not_count(keyword: str, answer: str) -> None:
    assert matched([keyword], answer) == ()


def test_keywords_come_back_as_they_were_given_in_their_order() -> None:
    answer = "Heat and pressure turn the sediment into rock."
    assert matched(["Pressure", "magma", "heat | warmth"], answer) == ("Pressure", "heat | warmth")


def test_one_affirmed_mention_outweighs_a_denied_one() -> None:
    assert matched(["erosion"], "It is not erosion. Well, erosion it is.") == ("erosion",)


@given(st.lists(st.text(max_size=12), max_size=4), st.text(max_size=80))
def test_whatever_is_matched_was_asked_for(keywords: list[str], answer: str) -> None:
    found = matched(keywords, answer)
    assert set(found) <= set(keywords)
    assert len(found) <= len(keywords)


@given(st.sampled_from(["volcano", "magnet", "oxygen", "gravity"]), st.sampled_from(["", "The ", "because of "]))
def test_a_plain_mention_is_always_found(keyword: str, before: str) -> None:
    assert matched([keyword], f"{before}{keyword} is the reason.") == (keyword,)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("part", ["not ", "蒸", "a-", "증발하지", "photosynthesi ", "3.5.", "ない", "“", "x" * 50])
def test_a_very_long_answer_is_read_to_its_end(part: str) -> None:
    answer = part * (100_000 // len(part)) + " . So gravity."
    assert matched(["gravity", "蒸发过程是", "photosynthesis now"], answer) == ("gravity",)
