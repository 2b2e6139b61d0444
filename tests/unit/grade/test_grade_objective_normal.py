"""The same words written in another way become the same text, and different words do not."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.grade.objective.normal import FORMS, bare, exact, folded, is_blank, squeezed, wide


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Blue  Whale.", "blue whale"),
        ("ＢＬＵＥ", "blue"),
        ("ｶﾞﾗｽ", "ガラス"),
        ("don’t", "don't"),
        ("well–known", "well-known"),
        ("“blue”", "blue"),
        ("bl\u200bue\u202e", "blue"),
        ("Straße", "STRASSE"),
        ("salt, pepper", "salt pepper"),
        ("２，０００", "2,000"),
        ("青い　くじら", "青いくじら"),
        ("−5 °C", "-5 °C"),
    ],
)
def test_another_spelling_of_the_same_words_is_the_same_text(one, other):
    assert bare(one) == bare(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C", "C++"),
        ("C", "C#"),
        ("+1", "-1"),
        ("1", "-1"),
        ("5", "5 %"),
        ("20 °C", "20 C"),
        ("1.5", "15"),
        ("café", "cafe"),
        ("か", "が"),
        ("<", ">"),
    ],
)
def test_signs_and_accents_that_mean_something_stay(one, other):
    assert bare(one) != bare(other)


def test_the_stricter_form_tells_cases_apart():
    assert wide("US") != wide("us")
    assert folded("US") == folded("us")


def test_the_strictest_form_keeps_raised_digits():
    assert exact("x²") != exact("x2")
    assert wide("x²") == wide("x2")


@pytest.mark.parametrize("text", ["", "  \n\t", "\u200b\ufeff", "\u3164"])
def test_what_cannot_be_seen_is_blank(text):
    assert is_blank(text)


def test_line_breaks_survive_the_squeezing_of_spaces():
    assert squeezed(" a \t b\nc ") == "a b\nc"


@given(st.text())
def test_an_encoding_of_accents_makes_no_difference_in_any_form(text):
    for form in FORMS:
        assert form(unicodedata.normalize("NFD", text)) == form(unicodedata.normalize("NFC", text))


@given(st.text())
def test_a_looser_form_depends_on_the_stricter_one_alone(text):
    assert bare(wide(text)) == bare(text)
