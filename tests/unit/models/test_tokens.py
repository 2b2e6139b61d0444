"""Tokens are estimated by script, and replies by their shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.judge.numeric import schema
from penstock.models.model import Prompt
from penstock.models.tokens import UNSHAPED, prompt_tokens, reply_tokens, text_tokens


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("The bridge opened late again and nobody told us why.", 10, 16),
        ("다리가 또 늦게 열렸는데 아무도 이유를 말해 주지 않았다.", 15, 30),
        ("橋の開通がまた遅れたが、誰も理由を教えてくれなかった。", 16, 30),
        ("大桥又晚开通了，没有人告诉我们原因。", 13, 22),
        ("Мост снова открыли поздно, и никто не сказал почему.", 14, 26),
        ("😀🎉", 3, 8),
        ("", 0, 0),
    ],
)
def test_a_sentence_has_about_as_many_tokens_as_the_usual_tokenizers_make(text, least, most):
    assert least <= text_tokens(text) <= most


@given(st.text(), st.text())
def test_tokens_of_a_text_are_those_of_its_parts(first, second):
    assert text_tokens(first + second) == pytest.approx(text_tokens(first) + text_tokens(second))


def test_a_prompt_has_the_tokens_of_both_parts_and_a_frame():
    assert prompt_tokens(Prompt(system="a" * 40, user="b" * 80)) == pytest.approx(38)


def test_a_reply_grows_with_the_numbers_that_are_asked_for():
    one, ten = (reply_tokens(Prompt(system="", user="", schema=schema(n))) for n in (1, 10))
    assert 5 <= one <= 15
    assert 30 <= ten <= 70


def test_a_reply_of_sentences_is_longer_than_one_of_numbers():
    texts = {
        "type": "object",
        "properties": {"analyses": {"type": "array", "items": {"type": "string"}, "minItems": 3}},
    }
    assert reply_tokens(Prompt(system="", user="", schema=texts)) > 3 * 30


def test_a_reply_is_no_longer_than_it_may_be():
    assert reply_tokens(Prompt(system="", user="", max_tokens=7)) == 7
    assert reply_tokens(Prompt(system="", user="")) == UNSHAPED
