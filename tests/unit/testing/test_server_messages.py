import json

import pytest

from penstock.testing import Behaviour, expected_analyses, expected_scores
from penstock.testing.desk import Desk
from penstock.testing.wire import Request, Response

HEADERS = {"anthropic-version": "2023-06-01"}
SCHEMA = {"type": "object", "properties": {"scores": {"type": "array", "minItems": 2}}}


def request(text="a", *, headers=None, path="/v1/messages", **more):
    user = f"<<<0123456789abcdef\n{json.dumps({'text': text})}\n0123456789abcdef>>>"
    body = {"model": "m", "max_tokens": 64, "system": "exactly 2 numbers"}
    body |= {"messages": [{"role": "user", "content": user}], **more}
    body = {name: value for name, value in body.items() if value is not None}
    return Request(
        method="POST", path=path, headers=HEADERS if headers is None else headers, body=json.dumps(body).encode()
    )


def send(asked, *, behaviour=None, wall=lambda: 0.0):
    desk = Desk(behaviour or Behaviour(), wall=wall)
    decided = desk.receive(asked, now=0.0)
    return decided if isinstance(decided, Response) else desk.finish(decided, now=0.0)


def answered(**more):
    return json.loads(send(request(**more)).body)


def error(response):
    body = json.loads(response.body)
    assert body["type"] == "error"
    return body["error"]["type"], body["error"]["message"]


def test_a_message_is_answered_in_blocks_with_its_usage():
    body = answered(text="late")
    assert (body["type"], body["role"], body["stop_reason"]) == ("message", "assistant", "end_turn")
    assert json.loads(body["content"][0]["text"]) == {"scores": expected_scores("late", 2)}
    assert body["usage"]["input_tokens"] > body["usage"]["output_tokens"] > 0


def test_system_and_content_may_be_blocks():
    user = [{"type": "text", "text": '<<<0123456789abcdef\n{"text":"b"}\n0123456789abcdef>>>'}]
    system = [{"type": "text", "text": "exactly 3 numbers", "cache_control": {"type": "ephemeral"}}]
    body = answered(system=system, messages=[{"role": "user", "content": user}])
    assert json.loads(body["content"][0]["text"]) == {"scores": expected_scores("b", 3)}


@pytest.mark.parametrize(
    "more",
    [
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        {"output_format": {"type": "json_schema", "schema": SCHEMA}},
    ],
)
def test_a_schema_says_how_many_scores_are_wanted(more):
    body = answered(system="no count here", **more)
    assert json.loads(body["content"][0]["text"]) == {"scores": expected_scores("a", 2)}


def test_a_tool_that_must_be_used_is_used():
    tools = [{"name": "reply", "input_schema": SCHEMA}]
    body = answered(tools=tools, tool_choice={"type": "tool", "name": "reply"})
    assert body["stop_reason"] == "tool_use"
    assert (body["content"][0]["name"], body["content"][0]["input"]) == ("reply", {"scores": expected_scores("a", 2)})


def test_rationales_are_answered_too():
    schema = {"type": "object", "properties": {"analyses": {"type": "array", "minItems": 2}}}
    body = answered(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert json.loads(body["content"][0]["text"]) == {"analyses": expected_analyses("a", 2)}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (request(headers={}), "anthropic-version: header is required"),
        (request(max_tokens=None), "max_tokens: Field required"),
        (request(messages=None), "messages: Field required"),
        (request(model=None), "model: Field required"),
    ],
)
def test_a_request_that_lacks_something_is_a_400_that_names_it(asked, message):
    refused = send(asked)
    assert (refused.status, error(refused)) == (400, ("invalid_request_error", message))


@pytest.mark.parametrize(
    ("behaviour", "status", "kind"),
    [
        (Behaviour(api_key="right"), 401, "authentication_error"),
        (Behaviour(models=("other",)), 404, "not_found_error"),
        (Behaviour(capacity=0), 429, "rate_limit_error"),
        (Behaviour(faults={"http_500": 1}), 500, "api_error"),
        (Behaviour(faults={"http_529": 1}), 529, "overloaded_error"),
        (Behaviour(faults={"quota": 1}), 400, "invalid_request_error"),
        (Behaviour(unsupported=("temperature",)), 400, "invalid_request_error"),
    ],
)
def test_an_error_is_told_in_its_own_words(behaviour, status, kind):
    refused = send(request(temperature=0), behaviour=behaviour)
    assert (refused.status, error(refused)[0]) == (status, kind)


@pytest.mark.parametrize("headers", [{"x-api-key": "right"}, {"authorization": "Bearer right"}])
def test_the_key_comes_in_either_header(headers):
    assert send(request(headers=HEADERS | headers), behaviour=Behaviour(api_key="right")).status == 200


def test_the_limits_are_told_with_dates():
    behaviour = Behaviour(requests_per_minute=60, rate_headers=True)
    headers = dict(send(request(), behaviour=behaviour, wall=lambda: 10.0).headers)
    assert headers == {
        "anthropic-ratelimit-requests-limit": "60",
        "anthropic-ratelimit-requests-remaining": "59",
        "anthropic-ratelimit-requests-reset": "1970-01-01T00:00:11.000Z",
    }


@pytest.mark.parametrize(
    ("fault", "stop", "blocks"),
    [("truncated", "max_tokens", 1), ("content_filter", "refusal", 0), ("empty", "end_turn", 0)],
)
def test_a_spoilt_answer_says_why_it_ended(fault, stop, blocks):
    body = json.loads(send(request(), behaviour=Behaviour(faults={fault: 1})).body)
    assert (body["stop_reason"], len(body["content"])) == (stop, blocks)


def test_a_body_without_its_content_lacks_it():
    assert "content" not in json.loads(send(request(), behaviour=Behaviour(faults={"no_choices": 1})).body)
