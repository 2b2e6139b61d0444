import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.testing.completions import Completion, spoil
from penstock.testing.faults import FAULTS, draw, fate

CONTENTS = [number.to_bytes(16, "big") for number in range(4000)]
RIGHT = Completion(content='{"scores":[0.1,0.2,0.3]}', model="m", tokens_in=9, tokens_out=6)


def spoiled(fault):
    return spoil(RIGHT, fault, wait=2.0)


def content(response):
    return json.loads(response.body)["choices"][0]["message"]["content"]


@given(st.integers(), st.binary(max_size=16), st.integers(min_value=0, max_value=99), st.sampled_from(["a", "b"]))
def test_a_draw_lies_strictly_between_0_and_1_and_comes_out_the_same_again(seed, content, nth, purpose):
    value = draw(seed, content, nth=nth, purpose=purpose)
    assert 0 < value < 1
    assert draw(seed, content, nth=nth, purpose=purpose) == value


def test_draws_are_spread_evenly():
    tenths = Counter(int(10 * draw(1, content, nth=0, purpose="x")) for content in CONTENTS)
    assert all(300 < tenths[tenth] < 500 for tenth in range(10))


def test_faults_are_met_in_their_shares():
    met = Counter(fate(7, content, nth=0, faults={"drop": 0.1, "nan": 0.25}) for content in CONTENTS)
    assert 320 < met["drop"] < 480
    assert 880 < met["nan"] < 1120
    assert met["drop"] + met["nan"] + met[None] == len(CONTENTS)


def test_a_share_of_1_is_met_always_and_a_share_of_0_never():
    assert {fate(7, content, nth=0, faults={"hang": 0.0, "drop": 1.0}) for content in CONTENTS} == {"drop"}


def test_another_seed_meets_other_faults():
    one, other = ([fate(seed, each, nth=0, faults={"drop": 0.5}) for each in CONTENTS] for seed in (1, 2))
    assert one != other


def test_a_fault_may_pass_when_the_same_content_is_asked_again():
    unlucky = [each for each in CONTENTS if fate(7, each, nth=0, faults={"drop": 0.3})]
    again = [each for each in unlucky if fate(7, each, nth=1, faults={"drop": 0.3})]
    assert 0 < len(again) < len(unlucky) / 2


@given(st.sampled_from(CONTENTS), st.integers(min_value=0, max_value=50))
def test_a_sticky_fault_holds_for_ever(content, nth):
    faults = {"wrong_count": 0.5}
    assert fate(7, content, nth=nth, faults=faults, sticky=("wrong_count",)) == fate(
        7, content, nth=0, faults=faults, sticky=("wrong_count",)
    )


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "hang"])
def test_every_fault_but_a_hang_has_something_to_send_or_a_connection_to_close(fault):
    response = spoiled(fault)
    assert response.status in {200, 400, 429, 500, 502, 503, 529}
    assert response != RIGHT.response()


@pytest.mark.parametrize(
    ("fault", "status"), [("http_500", 500), ("http_502", 502), ("http_503", 503), ("policy", 400), ("quota", 429)]
)
def test_a_failing_server_answers_with_its_status_and_an_error_object(fault, status):
    response = spoiled(fault)
    assert response.status == status
    assert json.loads(response.body)["error"]["message"]
    assert response.headers == ()


def test_an_overloaded_server_says_when_to_come_back():
    response = spoiled("http_503_retry_after")
    assert (response.status, response.headers) == (503, (("retry-after", "2"),))


def test_a_used_up_quota_is_told_by_its_code():
    assert json.loads(spoiled("quota").body)["error"]["code"] == "insufficient_quota"


def test_a_dropped_connection_ends_before_the_answer_or_midway():
    assert [spoiled("drop").ends, spoiled("drop_midway").ends] == ["before", "midway"]


@pytest.mark.parametrize("fault", ["html_body", "truncated_body"])
def test_a_broken_body_is_not_json(fault):
    with pytest.raises(json.JSONDecodeError):
        json.loads(spoiled(fault).body)


@pytest.mark.parametrize("fault", ["error_body", "no_choices"])
def test_a_body_may_be_json_without_choices(fault):
    response = spoiled(fault)
    assert response.status == 200
    assert "choices" not in json.loads(response.body)


@pytest.mark.parametrize("fault", ["truncated", "prose", "empty"])
def test_a_broken_content_is_not_json(fault):
    with pytest.raises(json.JSONDecodeError):
        json.loads(content(spoiled(fault)))


def test_a_fenced_answer_is_right_inside():
    said = content(spoiled("fenced"))
    assert said.count("```") == 2
    assert RIGHT.content in said


@pytest.mark.parametrize(
    ("fault", "reason"), [("content_filter", "content_filter"), ("truncated", "length"), ("empty", "stop")]
)
def test_the_reason_for_the_end_is_told(fault, reason):
    assert json.loads(spoiled(fault).body)["choices"][0]["finish_reason"] == reason


@pytest.mark.parametrize(
    ("fault", "numbers"),
    [("string", [0.1, 0.2, "high"]), ("out_of_range", [10, 20, 85]), ("wrong_count", [0.1, 0.2])],
)
def test_numbers_are_spoiled(fault, numbers):
    assert json.loads(content(spoiled(fault))) == {"scores": numbers}


def test_nan_is_written_as_models_write_it():
    assert content(spoiled("nan")) == '{"scores": [0.1, 0.2, NaN]}'


@given(st.lists(st.integers(min_value=0, max_value=100), min_size=1, max_size=20))
def test_a_wrong_count_is_off_by_one(hundredths):
    numbers = [value / 100 for value in hundredths]
    response = spoil(Completion(content=json.dumps({"scores": numbers}), model="m"), "wrong_count", wait=1)
    assert abs(len(json.loads(content(response))["scores"]) - len(numbers)) == 1


def test_a_fault_in_the_numbers_needs_numbers():
    with pytest.raises(InputError, match="needs an answer that holds lists"):
        spoil(Completion(content="Good day.", model="m"), "nan", wait=1)
