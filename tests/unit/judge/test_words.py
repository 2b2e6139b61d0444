"""Texts are folded and split alike in every script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.judge.words import fold, split


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't STOP now!", ["don't", "stop", "now", "!"]),
        ("ＦＵＬＬ width ﬁ", ["full", "width", "fi"]),
        ("it’s naïve", ["it's", "naïve"]),
        ("映画を見た。最高!", ["映画を", "見た", "。", "最高", "!"]),
        ("カスタマーサービス", ["カスタマーサービス"]),
        ("我很开心😂", ["我很开心", "😂"]),
        ("배송이 늦어요", ["배송이", "늦어요"]),
        ("abc한국", ["abc", "한국"]),
        ("good :) <3", ["good", ":)", "<3"]),
        ("https://x.y", ["https", ":", "x", ".", "y"]),
        ("हिन्दी", ["हिन्दी"]),
        ("snake_case", ["snake", "case"]),
        ("", []),
    ],
)
def test_a_text_is_split_into_its_tokens(text, tokens):
    assert split(text) == tokens


@given(st.text())
def test_every_token_has_letters(text):
    assert all(split(text))


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_is_folded_like_any_other_text(text):
    assert fold(text) == fold(text + "é").removesuffix("é")
