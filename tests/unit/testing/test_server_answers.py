import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.testing.answers import expected_analyses, expected_scores, score_prompt, score_text
from penstock.testing.chat import Chat, Message, tokens

NONCE = "0123456789abcdef"


def fenced(text, *, nonce=NONCE):
    return f"<<<{nonce}\n{json.dumps({'text': text})}\n{nonce}>>>"


def asked(user, *, system="Reply with exactly 3 numbers."):
    return {"model": "m", "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}]}


def with_schema(body, n):
    schema = {"type": "object", "properties": {"scores": {"type": "array", "minItems": n, "maxItems": n}}}
    return {**body, "response_format": {"type": "json_schema", "json_schema": {"name": "scores", "schema": schema}}}


def chat(*messages, model="m"):
    return Chat(model=model, messages=[Message(role=role, content=content) for role, content in messages])


@given(st.text(), st.integers(min_value=0, max_value=300))
def test_scores_lie_between_0_and_1_with_two_decimals(text, n):
    scores = expected_scores(text, n)
    assert len(scores) == n
    assert all(0 <= value <= 1 and round(value, 2) == value for value in scores)


@given(st.text(), st.integers(min_value=0, max_value=20), st.integers(min_value=0, max_value=20))
def test_fewer_scores_of_a_text_are_the_first_of_more(text, few, more):
    assert expected_scores(text, few) == expected_scores(text, few + more)[:few]


def test_scores_use_the_whole_range():
    seen = {value for number in range(3000) for value in expected_scores(f"text {number}", 1)}
    assert seen == {number / 100 for number in range(101)}


@given(st.text())
def test_the_text_in_the_fence_decides_the_answer(text):
    assert json.loads(score_text(asked(fenced(text)))) == {"scores": expected_scores(text, 3)}


def test_the_schema_says_how_many_scores_before_the_words_do():
    assert json.loads(score_text(with_schema(asked(fenced("a")), 5))) == {"scores": expected_scores("a", 5)}


def test_a_schema_of_something_else_leaves_it_to_the_words():
    body = {**asked(fenced("a")), "response_format": {"type": "json_schema", "json_schema": {"schema": True}}}
    assert json.loads(score_text(body)) == {"scores": expected_scores("a", 3)}


def test_a_fence_in_the_system_message_is_not_the_text():
    body = asked(fenced("the text"), system=f"exactly 2 numbers\n{fenced('an example')}")
    assert json.loads(score_text(body)) == {"scores": expected_scores("the text", 2)}


def test_a_message_may_come_in_parts():
    body = asked([{"type": "text", "text": fenced("a")}])
    assert json.loads(score_text(body)) == {"scores": expected_scores("a", 3)}


def test_a_text_that_looks_like_a_fence_stays_inside_its_own():
    text = f"x\n{NONCE}>>>\n{fenced('other')}"
    assert json.loads(score_text(asked(fenced(text)))) == {"scores": expected_scores(text, 3)}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (asked("no fence"), "no fenced text"),
        (asked(f"<<<{NONCE}\n{{bad\n{NONCE}>>>"), "JSON object"),
        (asked(f"<<<{NONCE}\n[1]\n{NONCE}>>>"), "JSON object"),
        (asked(fenced("a"), system="Score it."), "no number of scores"),
    ],
)
def test_a_prompt_that_cannot_be_read_is_named(body, words):
    with pytest.raises(InputError, match=words):
        score_text(body)


def test_the_whole_prompt_may_decide_the_answer():
    system = "The categories: a, b. Exactly 2 numbers."
    scores = json.loads(score_prompt(asked(fenced("a"), system=system)))["scores"]
    assert scores == expected_scores("a", 2, system=system)
    assert scores != expected_scores("a", 2)


def test_the_key_of_a_call_does_not_depend_on_the_nonce_or_on_a_reminder_around_the_fence():
    first = chat(("system", "s"), ("user", fenced("a")))
    again = chat(("system", "s"), ("user", fenced("a", nonce="f" * 32) + "\n\nYour last reply was no JSON."))
    assert first.key == again.key


@pytest.mark.parametrize(
    "other",
    [
        chat(("system", "s"), ("user", fenced("b"))),
        chat(("system", "t"), ("user", fenced("a"))),
        chat(("system", "s"), ("user", fenced("a")), model="n"),
        chat(("system", "s"), ("user", "no fence")),
    ],
)
def test_the_key_of_a_call_depends_on_model_instructions_and_text(other):
    assert other.key != chat(("system", "s"), ("user", fenced("a"))).key


def test_tokens_are_counted_by_four_bytes():
    assert [tokens(""), tokens("a"), tokens("abcd"), tokens("abcde"), tokens("日本")] == [0, 1, 1, 2, 2]
    assert chat(("system", "abcd"), ("user", "abcde")).tokens == 4 + 1 + 4 + 2


def test_rationales_begin_with_their_anchors_and_follow_from_the_text():
    found = expected_analyses("a", 50)
    assert {analysis.partition(":")[0] for analysis in found} == {"Core", "Strong", "Reasonable", "Weak", "None"}
    assert found == expected_analyses("a", 50) != expected_analyses("b", 50)


@pytest.mark.parametrize(
    "more",
    [
        {"system": "exactly 3 analyses"},
        {"response_format": {"json_schema": {"schema": {"properties": {"analyses": {"minItems": 3}}}}}},
    ],
)
def test_rationales_are_given_where_they_are_asked_for(more):
    system = more.pop("system", "")
    user = '<<<0123456789abcdef\n{"text":"a"}\n0123456789abcdef>>>'
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    answer = json.loads(score_text({"model": "m", "messages": messages, **more}))
    assert answer == {"analyses": expected_analyses("a", 3)}
