"""Anthropic's API: what is sent, what is read, and what each of its errors says to do."""

from contextlib import asynccontextmanager

import pytest

from penstock.errors import BadReply, InputError, ItemError, Later, Refused, Rejected, Throttled
from penstock.judge.category import Category
from penstock.judge.numeric import ScorePrompt, read_scores
from penstock.models import Media, ModelSpec, Prompt, Session
from penstock.models.anthropic import LONGEST, AnthropicModel
from penstock.records import Usage
from penstock.testing import Behaviour, ModelServer, expected_scores
from penstock.web.transport import HttpTransport
from wires import answering

pytestmark = pytest.mark.anyio

KEY = "sk-ant-a-very-secret-key"
ask_for = ScorePrompt([Category(name="praise"), Category(name="complaint")], max_tokens=50)
COUNTS = {
    "input_tokens": 40,
    "cache_creation_input_tokens": 20,
    "cache_read_input_tokens": 40,
    "output_tokens": 30,
}


@asynccontextmanager
async def asking(*answers, **settings):
    async with answering(*answers) as wire, HttpTransport() as transport:
        settings = {"base_url": wire.url, "timeout": 10.0, **settings}
        yield wire, AnthropicModel("claude", transport=transport, **settings)


def message(*texts, reason="end_turn", **more):
    blocks = [{"type": "text", "text": text} for text in texts or ('{"scores": [0.1, 0.9]}',)]
    return {"id": "msg_1", "type": "message", "content": blocks, "stop_reason": reason, "usage": COUNTS, **more}


def said(status, kind, text, **more):
    return status, {"type": "error", "error": {"type": kind, "message": text, **more}, "request_id": "req_1"}


FINE = (200, message())


async def error_of(*answers, **settings):
    async with asking(*answers, **settings) as (_, model):
        with pytest.raises((ItemError, Later, Refused)) as caught:
            await model.ask(ask_for("good"))
    return caught.value


async def test_a_reply_says_what_was_answered_by_whom_and_what_it_took():
    async with asking(FINE) as (wire, model):
        reply = await model.ask(ask_for("good"))
    assert (reply.text, reply.model) == ('{"scores": [0.1, 0.9]}', "anthropic/claude")
    assert model.identity == f"anthropic/claude@{wire.url}"
    assert reply.usage == Usage(calls=1, tokens_in=100, tokens_out=30)


async def test_the_request_holds_the_prompt_and_its_settings():
    async with asking(FINE, key=KEY) as (wire, model):
        prompt = ask_for("good")
        await model.ask(prompt)
    (asked,) = wire.asked
    assert asked.path == "/v1/messages"
    assert (asked.headers["x-api-key"], asked.headers["anthropic-version"]) == (KEY, "2023-06-01")
    shape = asked.body.pop("output_config")
    assert asked.body == {
        "model": "claude",
        "system": prompt.system,
        "messages": [{"role": "user", "content": prompt.user}],
        "temperature": 0.0,
        "max_tokens": 50,
    }
    assert shape["format"]["type"] == "json_schema"


async def test_bounds_that_the_schema_cannot_hold_are_said_in_words():
    async with asking(FINE) as (wire, model):
        await model.ask(ask_for("good"))
    assert wire.asked[0].body["output_config"]["format"]["schema"] == {
        "type": "object",
        "properties": {
            "scores": {
                "type": "array",
                "items": {"type": "number", "description": "minimum: 0, maximum: 1"},
                "description": "minItems: 2, maxItems: 2",
            }
        },
        "required": ["scores"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
async def test_an_address_may_hold_the_version_or_not(end):
    async with answering(FINE) as wire, HttpTransport() as transport:
        model = AnthropicModel("claude", transport=transport, base_url=wire.url + end)
        await model.ask(ask_for("good"))
    assert wire.asked[0].path == "/v1/messages"
    assert model.identity == f"anthropic/claude@{wire.url}"


async def test_the_longest_reply_is_always_said():
    async with asking(FINE) as (wire, model):
        await model.ask(Prompt(system="s", user="u"))
    assert wire.asked[0].body["max_tokens"] == LONGEST


async def test_blocks_other_than_text_are_no_part_of_the_answer():
    thought = {"type": "thinking", "thinking": "Hmm.", "signature": "x"}
    body = {**message(), "content": [thought, {"type": "text", "text": "{"}, {"type": "text", "text": "}"}]}
    async with asking((200, body)) as (_, model):
        assert (await model.ask(ask_for("good"))).text == "{}"


NO_SHAPE = said(400, "invalid_request_error", "output_config: Extra inputs are not permitted")
NO_WARMTH = said(400, "invalid_request_error", "`temperature` is deprecated for this model.")
TOO_LONG = said(
    400,
    "invalid_request_error",
    "max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for claude",
)


@pytest.mark.parametrize(
    ("refusals", "gone"),
    [
        ((NO_SHAPE,), {"output_config"}),
        ((NO_WARMTH,), {"temperature"}),
        ((NO_SHAPE, NO_WARMTH), {"output_config", "temperature"}),
    ],
)
async def test_what_a_model_does_not_take_is_learnt_once(refusals, gone):
    async with asking(*refusals, FINE) as (wire, model):
        for _ in range(3):
            await model.ask(ask_for("good"))
    assert len(wire.asked) == len(refusals) + 3
    kept = {"model", "system", "messages", "max_tokens", "temperature", "output_config"} - gone
    assert all(asked.body.keys() == kept for asked in wire.asked[-3:])


async def test_a_model_with_shorter_replies_is_asked_for_no_longer_ones():
    async with asking(TOO_LONG, FINE) as (wire, model):
        await model.ask(Prompt(system="s", user="u"))
        await model.ask(Prompt(system="s", user="u", max_tokens=100))
    assert [asked.body["max_tokens"] for asked in wire.asked] == [8192, 4096, 100]


async def test_a_complaint_about_the_longest_reply_that_names_no_number_is_a_rejection():
    async with asking(said(400, "invalid_request_error", "max_tokens: Input should be greater")) as (wire, model):
        with pytest.raises(Rejected):
            await model.ask(ask_for("good"))
    assert len(wire.asked) == 1


async def test_a_refusal_of_the_model_is_a_rejection_that_was_paid_for():
    error = await error_of((200, message("I cannot.", reason="refusal")))
    assert isinstance(error, Rejected)
    assert error.usage == Usage(calls=1, tokens_in=100, tokens_out=30)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (message(reason="max_tokens"), "the reply was cut off at the token limit"),
        (message(reason="model_context_window_exceeded"), "the reply was cut off at the token limit"),
        (message(""), "the reply is empty"),
        ({**message(), "content": []}, "the reply is empty"),
    ],
)
async def test_a_reply_that_cannot_be_used_was_paid_for(body, words):
    error = await error_of((200, body))
    assert isinstance(error, BadReply)
    assert str(error) == words
    assert error.usage == Usage(calls=1, tokens_in=100, tokens_out=30)


async def test_a_limit_per_minute_tells_how_long_to_wait_and_what_is_left():
    headers = {
        "retry-after": "12",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0",
    }
    error = await error_of((*said(429, "rate_limit_error", "This request would exceed your limit."), headers))
    assert isinstance(error, Throttled)
    assert error.retry_after == 12.0
    assert (error.limits.requests.limit, error.limits.requests.remaining) == (50, 0)


async def test_rate_limit_headers_come_with_the_reply():
    headers = {"anthropic-ratelimit-tokens-limit": "1000", "anthropic-ratelimit-tokens-remaining": "900"}
    async with asking((200, message(), headers)) as (_, model):
        reply = await model.ask(ask_for("good"))
    assert (reply.limits.tokens.limit, reply.limits.tokens.remaining) == (1000, 900)


async def test_an_overloaded_server_is_asked_less_often():
    error = await error_of(said(529, "overloaded_error", "Overloaded"))
    assert isinstance(error, Throttled)
    assert error.status == 529


@pytest.mark.parametrize(
    "answer",
    [
        said(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
        said(400, "invalid_request_error", "You have reached your specified API usage limits."),
        said(402, "billing_error", "There is a billing problem."),
        said(429, "rate_limit_error", "Limit.", details={"error_code": "enforced_spend_limit_reached"}),
    ],
)
async def test_money_that_is_used_up_is_refused_because_waiting_does_not_help(answer):
    error = await error_of(answer)
    assert isinstance(error, Refused)
    assert f"The account's quota for anthropic/claude is used up (HTTP {answer[0]}: " in str(error)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (said(401, "authentication_error", "invalid x-api-key"), "the key down (HTTP 401: invalid x-api-key); check"),
        (said(403, "permission_error", "Not yours."), "turned the key down (HTTP 403: Not yours); check the key."),
        (
            said(404, "not_found_error", "model: claude"),
            "is not to be had (HTTP 404: model: claude); check the model's",
        ),
    ],
)
async def test_an_account_that_is_turned_away_stops_in_one_sentence(answer, words):
    error = await error_of(answer)
    assert isinstance(error, Refused)
    assert words in str(error)


async def test_a_prompt_that_is_too_large_is_a_rejection():
    error = await error_of(said(413, "request_too_large", "Request exceeds the maximum size"))
    assert isinstance(error, Rejected)
    assert error.status == 413


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"type": "error"}', b'{"error": "down"}', b"<html>\xff"]
)
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500, 529])
async def test_no_body_however_odd_breaks_the_reading(status, body):
    error = await error_of((status, body))
    assert "\n" not in str(error)
    assert len(str(error)) < 400


@pytest.mark.parametrize("status", [200, 400, 401, 404, 413])
async def test_a_key_that_the_server_echoes_is_in_no_message(status):
    error = await error_of(said(status, "x", f"Wrong key {KEY}"), key=KEY)
    assert "sk-ant" not in f"{error} {error!r} {error.__cause__!r}"


async def test_a_prompt_with_files_is_the_users_to_mend():
    video = Media(uri="https://files/1", mime_type="video/mp4", digest="aa")
    async with asking(FINE) as (wire, model):
        with pytest.raises(InputError, match=r"anthropic/claude cannot be shown files .* use gemini/NAME"):
            await model.ask(Prompt(system="s", user="u", media=(video,)))
    assert wire.asked == []


async def test_a_session_opens_the_model_that_a_spec_names(machine):
    machine.setenv("ANTHROPIC_API_KEY", KEY)
    async with ModelServer(Behaviour(api_key=KEY)) as server, Session() as session:
        spec = ModelSpec(name="anthropic/m", base_url=server.url).settled()
        reply = await session.model(spec).ask(ask_for("good"))
    assert list(read_scores(reply.text, 2)) == expected_scores("good", 2)
    assert reply.model == "anthropic/m"
