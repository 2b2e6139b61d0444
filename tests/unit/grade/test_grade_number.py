"""Numbers are read in every notation and unit, exactly, and what could be two numbers is not guessed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError, Unfit
from penstock.grade.objective import Found, judge_number

SAME = [
    *(("5", 5), ("５", "5"), ("5.0", "5"), ("+5", "5"), ("(5)", "5"), ("5.", "5"), (".5", "0.5"), ("0,5", "0.5")),
    *(("five", "5"), ("twenty-one", "21"), ("three hundred and twenty", "320"), ("two thirds", "2/3"), ("half", "0.5")),
    *(("−3", "-3"), ("minus 3", "-3"), ("負三", "-3"), ("the answer is - 5", "-5"), ("x=-5", "-5"), ("- 5", "-5")),
    *(("1,000", "1000"), ("1 000", "1000"), ("1'000", "1000"), ("1.000,5", "1000.5"), ("1,000.5", "1000.5")),
    *(
        ("1,00,000", "100000"),
        ("1.000.000", "1000000"),
        ("1 000 000,5", "1000000.5"),
        ("3,14", "3.14"),
        ("3.14", "3,14"),
    ),
    *(("1/2", "0.5"), ("½", "0.5"), ("2½", "2.5"), ("2 1/2", "2.5"), ("1/3", "1/3"), ("-1/2", "-0.5")),
    *(("3.0e8", "300000000"), ("3 x 10^8", "3e8"), ("3×10⁸", "3e8"), ("3×10⁻⁸", "3e-8"), ("10^8", "1e8")),
    *(("1.5 million", "1500000"), ("2 dozen", "24"), ("٥", "5"), ("५.५", "5.5"), ("٣٫١٤", "3.14")),
    *(("三百二十", "320"), ("二〇二五", "2025"), ("3万5千", "35000"), ("3만 5천", "35000"), ("삼백이십", "320")),
    *(("二分の一", "0.5"), ("三分之一", "1/3"), ("百分之五十", "0.5"), ("이분의 일", "0.5"), ("三点一四", "3.14")),
    *(("50%", "0.5"), ("0.5", "50%"), ("50", "50 %"), ("50 percent", "50%"), ("50 per cent", "50%")),
    *(
        ("5000 m", "5 km"),
        ("5", "5 km"),
        ("5 キロメートル", "5 km"),
        ("5킬로미터", "5 km"),
        ("5公里", "5 km"),
        ("5㎞", "5 km"),
    ),
    *(("90 min", "1.5 h"), ("1 h 30 min", "1.5 h"), ("1時間30分", "90 min"), ("1시간 30분", "90 min")),
    *(("36 km/h", "10 m/s"), ("10 meters per second", "10 m/s"), ("9.8 m/s²", "9.8 m/s^2"), ("9.8 m s^-2", "9.8 m/s2")),
    *(("98.6 °F", "37 °C"), ("310.15 K", "37 °C"), ("37 degrees", "37 °C"), ("37 C", "37 °C"), ("−5 ℃", "-5 °C")),
    *(("1 kcal", "4.184 kJ"), ("1 N", "1 kg m/s^2"), ("1 kWh", "3.6 MJ"), ("5 kΩ", "5000 ohm"), ("1 L", "1000 cm³")),
    *(("4 kJ/(kg·K)", "4000 J/kg/K"), ("$5", "5 dollars"), ("5円", "¥5"), ("¥5", "5元"), ("5만원", "₩50000")),
    *(("about 5 km", "5 km"), ("~5", "5"), ("約5km", "5 km"), ("약 5", "5"), ("x = 5", "5"), ("2+3=5", "5")),
    *(("The distance is 5 km.", "5 km"), ("距離は5kmです", "5 km"), ("거리는 5km입니다", "5 km"), ("答案是5", "5")),
    *(
        ("半", "0.5"),
        ("two thousand five", "2005"),
        ("一億二千万", "120000000"),
        ("5 m/s", "18 km/h"),
        ("2 h 5 min 3 s", "7503 s"),
    ),
    *(("5 apples", "5"), ("5個", "5"), ("정답: 42", "42"), ("5 km", "5"), ("3.14 ± 0.01", "3.14")),
]
OTHER = [
    *(("-3", "3"), ("0.33", "1/3"), ("5 kg", "5 km"), ("5 m", "5 min"), ("€5", "$5"), ("5 mW", "5 MW"), ("5%", "7")),
    *(("5000", "5 km"), ("三百二十", "321"), ("6 apples", "5"), ("3.15", "3.14"), ("1,5", "15"), ("5 m", "7")),
    ("12345678901234567890", "12345678901234567891"),
]
UNREADABLE = [
    *(
        "not 5",
        "5 or 6",
        "between 4 and 6",
        "5-6",
        "4, 5",
        "< 5",
        "more than 5",
        "it is not 5",
        "x = 5 or x = 6",
        "5 * 10",
    ),
    *("hello", "?", "1/0", "1.5.3", "2024-01-05", "12:30", "0.333...", "2π", "5x", "5 k", "5 mil", "5 tenths"),
    *(
        "1 h 30 kg",
        "30 min 1 h",
        "five six",
        "1,2.3,4",
        "1.5,5.5",
        "20 일 삼",
        "1.2.3万",
        "二 三 百 四 五",
        "(5",
        "$",
        "2x = 5",
        "-x = 5",
        "x - y = 5",
        "12% of 50",
        "육각형",
        "1e99999",
        "9" * 500,
        "I have 5",
    ),
]


@pytest.mark.parametrize(("answer", "key"), SAME)
def test_the_same_quantity_is_right(answer, key):
    assert judge_number(answer, key).correct


@pytest.mark.parametrize(("answer", "key"), OTHER)
def test_another_quantity_is_wrong(answer, key):
    assert not judge_number(answer, key).correct


@pytest.mark.parametrize("answer", UNREADABLE)
def test_what_is_no_single_number_is_not_guessed(answer):
    with pytest.raises(Unfit):
        judge_number(answer, "5")


@pytest.mark.parametrize(("answer", "key"), [("1.000", "1000"), ("1,000", "1"), ("1,234", "1.234"), ("3,142", "3.142")])
def test_a_separator_that_may_be_either_is_not_guessed_where_it_matters(answer, key):
    with pytest.raises(Unfit, match="thousands or decimals"):
        judge_number(answer, key)


def test_a_key_with_a_decimal_comma_says_how_its_answers_are_written():
    assert judge_number("1.234", "1234,0").correct
    assert not judge_number("1.234", "1,2").correct


@pytest.mark.parametrize(
    ("answer", "key", "right"),
    [
        *(
            ("3.15", "3.14 ± 0.01", True),
            ("3.16", "3.14±0.01", False),
            ("52%", "50 % ± 2", True),
            ("53", "50 % ± 2", False),
        ),
        *(("9.9 m/s^2", "9.8 ± 0.1 m/s^2", True), ("5.1 km", "5 km ± 100 m", True), ("5101 m", "5 km ± 100 m", False)),
        *(("105", "100 ± 5%", True), ("106", "100 +/- 5%", False)),
    ],
)
def test_a_key_brings_its_own_margin(answer, key, right):
    assert judge_number(answer, key).correct is right


def test_a_tolerance_takes_the_place_of_the_keys_margin():
    assert not judge_number("3.15", "3.14 ± 0.01", tolerance=0.001).correct


def test_the_wider_of_two_tolerances_counts():
    assert judge_number("101", "100", tolerance=0.5, relative=0.01).correct
    assert not judge_number("101.5", "100", tolerance=0.5, relative=0.01).correct


def test_a_unit_that_is_asked_for_must_be_there():
    assert judge_number("5000 m", "5", unit="km").correct
    assert not judge_number("5", "5 km", unit="km").correct


def test_an_unknown_unit_is_not_guessed():
    with pytest.raises(Unfit, match="not known"):
        judge_number("5 foos", "5 km")


@pytest.mark.parametrize(("answer", "key"), [("50%", "50"), ("5 m", "500"), ("0.005 km", "5")])
def test_a_unit_that_the_key_lacks_is_not_guessed_where_it_matters(answer, key):
    with pytest.raises(Unfit, match="the key has none"):
        judge_number(answer, key)


@pytest.mark.parametrize("key", ["abc", "", "5 or 6", "5 apples", float("nan"), float("inf"), True, "5 ± x", "5 ± -1"])
def test_a_key_that_is_no_number_is_refused(key):
    with pytest.raises(InputError):
        judge_number("5", key)


@pytest.mark.parametrize(
    "options",
    [{"tolerance": -1}, {"relative": float("inf")}, {"unit": "blorp"}, {"unit": "kg"}, {"tolerance": float("nan")}],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(InputError):
        judge_number("5", "5 km", **options)


def test_a_margin_in_a_unit_of_something_else_is_refused():
    with pytest.raises(InputError, match="margin"):
        judge_number("5", "5 km ± 1 kg")


def test_a_blank_answer_is_wrong():
    assert judge_number(" ", "5 km") == Found(score=0.0, correct=False, read="", expected="5 km")


@pytest.mark.parametrize(
    ("answer", "key", "read", "expected"),
    [
        ("5,000 m", "5 km ± 0.1", "5000 m", "5 ± 0.1 km"),
        ("1/3", "0.25", "1/3", "0.25"),
        ("1e30", "2", "1e+30", "2"),
        ("1e400", "2", "1e400 or more", "2"),
    ],
)
def test_a_number_is_shown_as_it_was_read(answer, key, read, expected):
    found = judge_number(answer, key)
    assert (found.read, found.expected) == (read, expected)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["٠", "०", "０", "๐"]))
def test_digits_of_every_script_are_the_same_number(value, nought):
    answer = str(value).translate({48 + digit: ord(nought) + digit for digit in range(10)})
    assert judge_number(answer, str(value)).correct


@given(
    st.decimals(-(10**6), 10**6, places=3, allow_nan=False), st.sampled_from([("km", "m"), ("h", "min"), ("°C", "K")])
)
def test_a_number_is_itself_in_its_own_unit_and_never_one_more(value, units):
    for unit in units:
        assert judge_number(f"{value} {unit}", f"{value:f} {unit}").correct
        assert not judge_number(f"{value + 1:f} {unit}", f"{value:f} {unit}").correct


@given(st.integers(1000, 10**12))
def test_groups_of_thousands_make_no_difference(value):
    assert judge_number(f"{value:,}", value).correct
    assert judge_number(f"{value:,}".replace(",", " "), value).correct


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with suppress(Unfit):
        assert judge_number(text, "5 km").score in {0.0, 1.0}
    with suppress(InputError, Unfit):
        assert judge_number("5", text).score in {0.0, 1.0}


@pytest.mark.parametrize("text", ["1", "1 000 ", "1,", "二", "twenty ", "km/", "x = "])
def test_a_very_long_answer_is_refused(text):
    with pytest.raises(Unfit):
        judge_number(text * (100_000 // len(text)), "5")


@pytest.mark.parametrize("text", ["1", "1.", "二1", "1 二", "二 ", "half ", "1 000 ", "kg*"])
def test_a_number_of_many_parts_is_not_tried_in_every_way(text):
    answer = (text * 80)[:79]
    with pytest.raises(Unfit):
        judge_number(f"{answer}二分の", "5")
