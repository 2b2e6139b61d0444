"""Choices are read in every way people write them, and what cannot be read for certain is not guessed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError, Unfit
from penstock.grade.objective import Found, judge_choice

MENU = ("red", "blue", "blue whale", "green")
SEVERAL = ("red", "blue, green", "pink", "salt and pepper")


@pytest.mark.parametrize(
    "answer",
    [
        *("B", "b", "B)", "(b)", "Ｂ", "B.", "[B]", "**B**", "“B”", "B!", "Ⓑ", "🅑", "2", "２", "②", "❷", "2️⃣"),
        *("#2", "No. 2"),
        *("2nd", "second", "the second one", "ⅱ", "II", "ㄴ", "나", "イ", "乙", "二", "Б", "β", "ب", "ข", "두 번째"),
        *("answer: B", "The answer is B.", "the correct answer is (B)", "I think it's B", "option B", "B is correct"),
        *("答えはB", "答えはBです。", "Bだと思います", "選択肢B", "2番目", "答案是B", "我选B", "第2个", "选项B"),
        *("정답: B", "정답은 B입니다", "2번", "B번", "답은 2번입니다", "la respuesta es B", "La réponse est B"),
        *("Die Antwort ist B", "ответ: Б", "alternativa B", "đáp án B", "jawaban: B", "الجواب ب", "उत्तर: B"),
        *("blue", "BLUE", "blue.", "ｂｌｕｅ", "  blue  ", "'blue'", "It is blue.", "the blue", "答えは「blue」です"),
        *("B) blue", "B blue", "b. Blue", "B - blue", "(B) blue", "blue (B)", "The answer is B) blue."),
        "B, because it is the colour of the sky",
    ],
)  # fmt: skip
def test_a_choice_is_read(answer):
    assert judge_choice(answer, "B", choices=MENU) == Found(score=1.0, correct=True, read="B", expected="B")
    assert not judge_choice(answer, "A", choices=MENU).correct


def test_a_slip_of_the_pen_behind_a_label_is_forgiven():
    assert judge_choice("C) blue whalle", "C", choices=MENU).correct


@pytest.mark.parametrize(
    "answer",
    [
        *("not B", "B is wrong", "the answer isn't B", "not blue", "B, not A", "Bではない", "B가 아니다", "不是B"),
        *("A or B", "A, B", "A/B", "AB", "B and C", "blue or red", "1 or 2"),
        *("B) red", "B) purple", "B blue whale", "red (B)", "B2"),
        *("E", "5", "0", "-2", "2.5", "22", "z", "purple", "whale"),
        *("I don't know", "?", "maybe B", "B?", "none", "all", "anything but B"),
    ],
)
def test_what_is_no_single_choice_is_not_guessed(answer):
    with pytest.raises(Unfit):
        judge_choice(answer, "B", choices=MENU)


@pytest.mark.parametrize("key", ["B", "b)", "(B)", "2", "blue", "Blue.", ["B"], "B) blue", "②", "나"])
def test_a_key_may_be_written_like_an_answer(key):
    assert judge_choice("blue", key, choices=MENU).correct
    assert not judge_choice("blue whale", key, choices=MENU).correct


def test_a_place_is_shown_as_a_number_where_the_key_is_one():
    found = judge_choice("A", "2", choices=MENU)
    assert (found.read, found.expected) == ("1", "2")


@pytest.mark.parametrize("key", ["E", "purple", "", " ", [], "A) blue", ["A", "Q"], "A or B"])
def test_a_key_that_is_no_choice_is_refused(key):
    with pytest.raises(InputError):
        judge_choice("A", key, choices=MENU)


def test_without_choices_a_blank_answer_is_wrong():
    assert judge_choice(" ", "Paris") == Found(score=0.0, correct=False, read="", expected="Paris")


def test_without_choices_a_word_is_no_run_of_letters():
    assert judge_choice("bad", "Paris") == Found(score=0.0, correct=False, read="bad", expected="Paris")


def test_an_unknown_kind_of_credit_is_refused():
    with pytest.raises(InputError, match="credit"):
        judge_choice("A", "A", choices=MENU, credit="some")


@pytest.mark.parametrize("answer", ["", "  ", "\u200b"])
def test_a_blank_answer_is_wrong(answer):
    assert judge_choice(answer, "B", choices=MENU) == Found(score=0.0, correct=False, read="", expected="B")


@pytest.mark.parametrize(
    ("answer", "key", "right"),
    [("2", "B", True), ("3", "A", True), ("3", "C", False), ("C", "C", True), ("C) 4", "C", True), ("2", "2", True)],
)
def test_a_choice_that_is_a_number_counts_before_a_place(answer, key, right):
    assert judge_choice(answer, key, choices=["3", "2", "4", "1"]).correct is right


def test_a_number_that_contradicts_its_letter_is_not_guessed():
    with pytest.raises(Unfit, match="label of one choice"):
        judge_choice("C) 3", "C", choices=["3", "2", "4", "1"])


def test_a_letter_that_is_label_and_text_is_right_where_both_ways_agree():
    blood = ["B", "A", "O", "AB"]
    assert judge_choice("A", "A", choices=blood).correct
    assert not judge_choice("B", "A", choices=blood).correct
    assert judge_choice("AB", "D", choices=blood).correct


def test_a_letter_that_is_label_and_text_is_not_guessed_where_it_matters():
    with pytest.raises(Unfit, match="it matters which"):
        judge_choice("C", "A", choices=["C", "C++", "C#", "Java"])


@pytest.mark.parametrize(("answer", "right"), [("US", True), ("us", False), ("them", False)])
def test_choices_that_differ_in_case_alone_stay_apart(answer, right):
    assert judge_choice(answer, "A", choices=["US", "us", "Them"]).correct is right


@pytest.mark.parametrize(("answer", "key"), [("Us", "A"), ("Us, them", "A,C")])
def test_a_text_between_two_such_choices_is_not_guessed(answer, key):
    with pytest.raises(Unfit, match="apart"):
        judge_choice(answer, key, choices=["US", "us", "Them"])


def test_a_key_between_two_such_choices_is_refused():
    with pytest.raises(InputError, match="apart"):
        judge_choice("A", "Us", choices=["US", "us", "Them"])


@pytest.mark.parametrize(("answer", "key"), [("-1", "B"), ("−1", "B"), ("+1", "A"), ("0", "C"), ("1", "D")])
def test_signs_of_numbers_are_kept(answer, key):
    assert judge_choice(answer, key, choices=["+1", "-1", "0", "1"]).correct


@pytest.mark.parametrize("answer", ["A", "C", "same", "1"])
def test_either_of_two_equal_choices_is_right(answer):
    assert judge_choice(answer, "C", choices=["same", "other", "same"]).correct


def test_a_choice_about_other_choices_is_its_text():
    menu = ["cats", "dogs", "A and B", "all of the above"]
    assert judge_choice("A and B", "C", choices=menu).correct
    assert judge_choice("all of the above", "D", choices=menu).correct
    with pytest.raises(Unfit):
        judge_choice("A, B", "C", choices=menu)


@pytest.mark.parametrize(
    "answer",
    [
        *("A and C", "c, a", "AC", "ac", "A/C", "A & C", "A C", "A+C", "1;3", "①③", "AとC", "A와 C", "A和C", "(A) (C)"),
        *("red, pink", "red and pink", "pink\nred", "A) red, C) pink", "the answers are A and C", "A, and C"),
    ],
)
@pytest.mark.parametrize("key", ["A,C", ["A", "C"], ["red", "pink"], "1 and 3"])
def test_several_choices_are_read(answer, key):
    assert judge_choice(answer, key, choices=SEVERAL).correct


def test_texts_with_separators_of_their_own_are_read_whole():
    assert judge_choice("salt and pepper and blue, green", "B,D", choices=SEVERAL).correct


@pytest.mark.parametrize(
    ("answer", "key", "score"),
    [("A", "A,C", 0.5), ("A,C", "A,B,C", 2 / 3), ("A,B", "A,C", 0.0), ("A,B,C,D", "A,C", 0.0), ("A,C", "A,C", 1.0)],
)
def test_each_right_choice_earns_its_share_and_each_wrong_one_costs_as_much(answer, key, score):
    found = judge_choice(answer, key, choices=SEVERAL, credit="each")
    assert found.score == pytest.approx(score)
    assert found.correct is (score == 1)


@pytest.mark.parametrize("answer", ["A", "A,B", "A,B,C"])
def test_all_and_only_the_right_choices_count_by_default(answer):
    assert judge_choice(answer, "A,C", choices=SEVERAL).score == 0


@pytest.mark.parametrize("answer", ["A or C", "A, not C", "A, X", "A, purple"])
def test_several_choices_with_anything_else_are_not_guessed(answer):
    with pytest.raises(Unfit):
        judge_choice(answer, "A,C", choices=SEVERAL)


@pytest.mark.parametrize(
    ("answer", "key", "right"),
    [
        *(("b)", "B", True), ("c", "B", False), ("2", "B", True), ("B) Paris", "B", True), ("C and A", "AC", True)),
        *(("paris.", "Paris", True), ("the answer is Paris", "Paris", True), ("London", "Paris", False)),
    ],
)
def test_without_choices_labels_are_compared_with_labels_and_texts_with_texts(answer, key, right):
    assert judge_choice(answer, key).correct is right


@pytest.mark.parametrize(("answer", "key"), [("Paris", "B"), ("B", "Paris"), ("not Paris", "Paris"), ("B, not A", "B")])
def test_without_choices_what_cannot_be_compared_is_not_guessed(answer, key):
    with pytest.raises(Unfit):
        judge_choice(answer, key)


def test_a_letter_that_looks_alike_in_two_scripts_is_read_in_that_of_the_key():
    assert judge_choice("В", "В", choices=list("wxyz")).read == "C"
    assert judge_choice("С", "C", choices=list("wxyz")).correct
    assert judge_choice("А", "A", choices=list("wxyz")).correct
    with pytest.raises(Unfit):
        judge_choice("В", "C", choices=list("wxyz"))


@given(st.permutations(["oak", "ash", "elm", "fir", "yew"]), st.integers(0, 4), st.integers(0, 4))
def test_a_choice_is_right_exactly_where_it_is_the_keys(menu, asked, chosen):
    letter, text = "ABCDE"[chosen], menu[chosen]
    for answer in (letter, str(chosen + 1), text, f"{letter}) {text}", f"답은 {chosen + 1}번", f"{text}です"):
        assert judge_choice(answer, "ABCDE"[asked], choices=menu).correct is (asked == chosen)


@given(st.sets(st.sampled_from("ABCDE"), min_size=2), st.sets(st.sampled_from("ABCDE"), min_size=1))
def test_the_order_of_several_choices_makes_no_difference(right, chosen):
    menu = ["oak", "ash", "elm", "fir", "yew"]
    found = judge_choice(", ".join(sorted(chosen, reverse=True)), sorted(right), choices=menu, credit="each")
    assert found.score == pytest.approx(max(0, len(right & chosen) - len(chosen - right)) / len(right))


@given(st.text(), st.lists(st.text(), max_size=4))
def test_any_text_is_read_or_refused(answer, menu):
    with suppress(Unfit, InputError):
        assert judge_choice(answer, "A", choices=menu).score in {0.0, 1.0}


@pytest.mark.parametrize("text", ["x", "A ", "(", "A,", "the answer is ", "ㄱ", "\u0301"])
def test_a_very_long_answer_is_refused(text):
    with pytest.raises(Unfit):
        judge_choice(text * (100_000 // len(text)), "A,B", choices=MENU)
