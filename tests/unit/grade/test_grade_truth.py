"""True and false are read in many languages, in words, marks and sentences, and a denial is never overlooked."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError, Unfit
from penstock.grade.objective import Found, judge_truth

TRUE = [
    *(
        "true",
        "TRUE.",
        "Ｔｒｕｅ",
        "t",
        "T",
        "yes",
        "y",
        "right",
        "correct",
        "1",
        "(T)",
        "[true]",
        "✓",
        "✔️",
        "√",
        "○",
        "O",
    ),
    *("はい", "正しい", "正しいです", "まる", "合っている", "对", "正确", "是", "是的", "没错", "對", "正確"),
    *(
        "참",
        "예",
        "네",
        "맞다",
        "맞습니다",
        "그렇습니다",
        "vrai",
        "oui",
        "verdadero",
        "sí",
        "wahr",
        "ja",
        "richtig",
        "vero",
    ),
    *("sim", "verdadeiro", "правда", "да", "верно", "صحيح", "نعم", "सही", "đúng", "benar", "doğru", "DOĞRU", "ถูกต้อง"),
    *("it is true", "I think it is correct", "that's right", "yes, it is", "The answer is true", "answer: T"),
    *(
        "not false",
        "it is not wrong",
        "isn't false",
        "間違っていない",
        "間違いない",
        "誤りではない",
        "不错",
        "并非错误",
    ),
    *(
        "틀린 말이 아니다",
        "거짓이 아니다",
        "ce n'est pas faux",
        "no es falso",
        "nicht falsch",
        "non è falso",
        "не ложь",
    ),
    *(
        "True. Water boils at 100.",
        "True because it is not cold",
        "the correct answer is true",
        "答えは○です",
        "정답: O",
    ),
]
FALSE = [
    *("false", "FALSE!", "Ｆａｌｓｅ", "f", "F", "no", "n", "wrong", "incorrect", "0", "×", "X", "✗", "❌"),
    *("いいえ", "誤り", "間違い", "ばつ", "違います", "嘘です", "错", "错误", "否", "不是", "不对", "錯"),
    *(
        "거짓",
        "아니오",
        "아니요",
        "틀리다",
        "틀렸습니다",
        "faux",
        "non",
        "falso",
        "falsch",
        "nein",
        "não",
        "ложь",
        "нет",
    ),
    *("неверно", "неправда", "خطأ", "غير صحيح", "गलत", "सही नहीं है", "sai", "không đúng", "salah", "yanlış", "YANLIŞ"),
    *(
        "it is false",
        "not true",
        "I think that's not correct",
        "I don't think it's true",
        "I don't think so",
        "It is not",
    ),
    *(
        "No, it is not true",
        "no it is false",
        "正しくない",
        "正しくありません",
        "そうではない",
        "いいえ、違います",
        "不正确",
    ),
    *(
        "맞지 않다",
        "사실이 아니다",
        "틀린 말이다",
        "ce n'est pas vrai",
        "no es verdad",
        "nicht wahr",
        "non è vero",
        "не верно",
    ),
    *(
        "False, since water is wet",
        "False. Water boils at 100.",
        "the correct answer is false",
        "正解は×です",
        "답은 X",
    ),
]
NEITHER = [
    *("maybe", "I don't know", "no idea", "no answer", "I can't say", "not sure", "hello", "2", "10", "-", "[x]", "TF"),
    *("true or false", "true and false", "yes and no", "neither true nor false", "partly true", "not entirely true"),
    *("not always true", "only true", "hardly true", "true?", "is it true?", "Yes, it is false", "no it is true", "○×"),
    *(
        "はい、違います",
        "かもしれない",
        "正しいですか",
        "答えはない",
        "是不是",
        "对不对",
        "对错",
        "아마 맞다",
        "vrai ou faux",
    ),
    *("False, it is true", "true, I suppose not", "not not", "if true then"),
]


@pytest.mark.parametrize("answer", TRUE)
def test_what_says_true_is_true(answer):
    assert judge_truth(answer, key=True) == Found(score=1.0, correct=True, read="true", expected="true")


@pytest.mark.parametrize("answer", FALSE)
def test_what_says_false_is_false(answer):
    assert judge_truth(answer, key=True) == Found(score=0.0, correct=False, read="false", expected="true")


@pytest.mark.parametrize("answer", NEITHER)
def test_what_says_neither_is_not_guessed(answer):
    with pytest.raises(Unfit, match="true or false"):
        judge_truth(answer, key=True)


@pytest.mark.parametrize("key", ["false", "F", "×", "거짓", "誤り", "no", "0", "خطأ", "Falso", False])
def test_a_key_may_be_written_like_an_answer(key):
    assert judge_truth("not true", key).correct
    assert not judge_truth("true", key).correct


@pytest.mark.parametrize("key", ["purple", "", "true or false", "B"])
def test_a_key_that_is_neither_is_refused(key):
    with pytest.raises(InputError, match="neither true nor false"):
        judge_truth("true", key)


def test_a_nought_is_no_circle():
    with pytest.raises(Unfit):
        judge_truth("0", "O")


@pytest.mark.parametrize("answer", ["", " \n", "\u200b"])
def test_a_blank_answer_is_wrong_even_where_false_is_right(answer):
    assert judge_truth(answer, key=False) == Found(score=0.0, correct=False, read="", expected="false")


@given(st.sampled_from([*TRUE, *FALSE]), st.booleans())
def test_an_answer_is_right_for_one_key_and_wrong_for_the_other(answer, key):
    assert judge_truth(answer, key=key).correct is not judge_truth(answer, key=not key).correct


@given(st.text())
def test_any_text_is_read_or_refused(answer):
    with suppress(Unfit):
        assert judge_truth(answer, key=True).score in {0.0, 1.0}


@pytest.mark.parametrize("text", ["x", "true ", "不", "아니", "not "])
def test_a_very_long_answer_is_refused(text):
    with pytest.raises(Unfit):
        judge_truth(text * (100_000 // len(text)), key=True)
