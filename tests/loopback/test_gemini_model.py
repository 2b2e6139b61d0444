"""Gemini's own API: what is sent, what is read, and what each of its errors says to do."""

import asyncio
import random
from contextlib import asynccontextmanager

import pytest

from penstock.errors import BadReply, ItemError, Later, Refused, Rejected, Throttled, Unreachable
from penstock.judge.category import Category
from penstock.judge.numeric import ScorePrompt, read_scores
from penstock.judge.numeric import schema as schema_of_scores
from penstock.judge.scorer import ModelJudge
from penstock.models import Media, ModelSpec, Prompt, Session
from penstock.models.faults import GIVE_UP_AFTER
from penstock.models.gemini import GeminiModel
from penstock.models.prices import Price
from penstock.models.purse import Purse
from penstock.records import Item, Key, Usage
from penstock.testing import expected_scores
from penstock.testing.gemini.behaviour import GeminiBehaviour
from penstock.testing.gemini.server import GeminiServer
from penstock.web.transport import HttpTransport
from wires import answering

pytestmark = pytest.mark.anyio

KEY = "AIza-a-very-secret-key"
ask_for = ScorePrompt([Category(name="praise"), Category(name="complaint")], max_tokens=50)
VIDEO = Media(uri="https://generativelanguage.googleapis.com/v1beta/files/abc", mime_type="video/mp4", digest="aa")
COUNTS = {"promptTokenCount": 100, "candidatesTokenCount": 20, "thoughtsTokenCount": 300, "totalTokenCount": 420}


@asynccontextmanager
async def asking(*answers, **settings):
    async with answering(*answers) as wire, HttpTransport() as transport:
        settings = {"base_url": wire.url, "timeout": 10.0, **settings}
        yield wire, GeminiModel("gemini-flash", transport=transport, **settings)


def generated(*texts, reason="STOP", **more):
    parts = [{"text": text} for text in texts or ('{"scores": [0.1, 0.9]}',)]
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": reason, "index": 0}
    return {"candidates": [candidate], "usageMetadata": COUNTS, "modelVersion": "gemini-flash-001", **more}


def said(code, status, message, *details):
    return code, {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def quota(*names):
    violations = [{"quotaMetric": "generativelanguage.googleapis.com/requests", "quotaId": name} for name in names]
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}


def delay(seconds):
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": seconds}


def reason(name):
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name, "domain": "googleapis.com"}


FINE = (200, generated())


async def error_of(*answers, prompt=None, **settings):
    async with asking(*answers, **settings) as (_, model):
        with pytest.raises((ItemError, Later, Refused)) as caught:
            await model.ask(prompt or ask_for("good"))
    return caught.value


async def test_a_reply_says_what_was_answered_by_whom_and_what_it_took():
    async with asking(FINE) as (wire, model):
        reply = await model.ask(ask_for("good"))
    assert (reply.text, reply.model) == ('{"scores": [0.1, 0.9]}', "gemini/gemini-flash")
    assert model.identity == f"gemini/gemini-flash@{wire.url}"
    assert reply.usage == Usage(calls=1, tokens_in=100, tokens_out=320)  # thoughts are paid for as a part of the reply


async def test_the_request_holds_the_prompt_and_its_settings():
    async with asking(FINE) as (wire, model):
        prompt = ask_for("good")
        await model.ask(prompt)
    (asked,) = wire.asked
    assert asked.path == "/v1beta/models/gemini-flash:generateContent"
    assert asked.body == {
        "system_instruction": {"parts": [{"text": prompt.system}]},
        "contents": [{"role": "user", "parts": [{"text": prompt.user}]}],
        "generationConfig": {
            "temperature": 0.0,
            "maxOutputTokens": 50,
            "responseMimeType": "application/json",
            "responseJsonSchema": prompt.schema,
        },
    }


async def test_files_are_shown_before_the_text():
    async with asking(FINE) as (wire, model):
        await model.ask(Prompt(system="s", user="u", media=(VIDEO,)))
    assert wire.asked[0].body["contents"][0]["parts"] == [
        {"file_data": {"mime_type": "video/mp4", "file_uri": VIDEO.uri}},
        {"text": "u"},
    ]


async def test_the_key_is_sent_in_a_header_and_never_in_the_address():
    async with asking(FINE, key=KEY) as (wire, model):
        await model.ask(ask_for("good"))
    assert wire.asked[0].headers["x-goog-api-key"] == KEY
    assert "authorization" not in wire.asked[0].headers
    assert KEY not in wire.asked[0].path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("models/gemini-flash", "/v1beta/models/gemini-flash:generateContent"),
        ("tunedModels/mine", "/v1beta/tunedModels/mine:generateContent"),
        ("a?key=b", "/v1beta/models/a%3Fkey=b:generateContent"),
    ],
)
async def test_a_name_is_a_path_of_the_server_and_nothing_else(name, path):
    async with answering(FINE) as wire, HttpTransport() as transport:
        await GeminiModel(name, transport=transport, base_url=f"{wire.url}/v1beta").ask(ask_for("good"))
    assert (wire.asked[0].path, wire.asked[0].query) == (path, "")


async def test_thoughts_are_no_part_of_the_answer():
    body = generated()
    body["candidates"][0]["content"]["parts"] = [{"text": "Hmm.", "thought": True}, {"text": "{"}, {"text": "}"}]
    async with asking((200, body)) as (_, model):
        assert (await model.ask(ask_for("good"))).text == "{}"


NO_JSON_SCHEMA = said(
    400,
    "INVALID_ARGUMENT",
    "Invalid JSON payload received. Unknown name \"responseJsonSchema\" at 'generation_config': Cannot find field.",
)
NO_SCHEMA = said(400, "INVALID_ARGUMENT", "response_schema is not supported for this model.")
NO_JSON = said(400, "INVALID_ARGUMENT", "JSON mode is not enabled for models/gemma-3-4b-it")
NO_SYSTEM = said(400, "INVALID_ARGUMENT", "Developer instruction is not enabled for models/gemma-3-4b-it")


@pytest.mark.parametrize(
    ("refusals", "left"),
    [
        ((), {"responseMimeType", "responseJsonSchema"}),
        ((NO_JSON_SCHEMA,), {"responseMimeType", "responseSchema"}),
        ((NO_JSON_SCHEMA, NO_SCHEMA), {"responseMimeType"}),
        ((NO_JSON_SCHEMA, NO_SCHEMA, NO_JSON), set()),
    ],
)
async def test_a_shape_that_a_model_does_not_take_is_learnt_once(refusals, left):
    async with asking(*refusals, FINE) as (wire, model):
        for _ in range(3):
            await model.ask(ask_for("good"))
    assert len(wire.asked) == len(refusals) + 3
    for asked in wire.asked[-3:]:
        assert asked.body["generationConfig"].keys() - {"temperature", "maxOutputTokens"} == left


async def test_the_older_schema_is_sent_without_what_it_does_not_know():
    async with asking(NO_JSON_SCHEMA, FINE) as (wire, model):
        await model.ask(ask_for("good"))
    sent = wire.asked[1].body["generationConfig"]["responseSchema"]
    assert {**sent, "additionalProperties": False} == schema_of_scores(2)


async def test_where_a_model_takes_no_instructions_they_stand_before_the_text():
    async with asking(NO_SYSTEM, FINE) as (wire, model):
        prompt = ask_for("good")
        await model.ask(prompt)
    assert "system_instruction" not in wire.asked[1].body
    assert wire.asked[1].body["contents"][0]["parts"] == [{"text": f"{prompt.system}\n\n{prompt.user}"}]


async def test_a_prompt_that_is_turned_down_with_such_words_changes_nothing_for_the_others():
    echo = said(400, "INVALID_ARGUMENT", "The text is about schema, temperature and developer instruction.")
    async with asking(FINE, echo, FINE) as (wire, model):
        await model.ask(ask_for("one"))
        with pytest.raises(Rejected):
            await model.ask(ask_for("two"))
        await model.ask(ask_for("three"))
    assert len(wire.asked) == 3
    assert wire.asked[2].body.keys() == wire.asked[0].body.keys()


@pytest.mark.parametrize("name", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "LANGUAGE"])
async def test_an_answer_that_the_model_withholds_is_a_rejection_that_was_paid_for(name):
    error = await error_of((200, generated(reason=name)))
    assert isinstance(error, Rejected)
    assert str(error) == f"the model declined to answer ({name.lower().replace('_', ' ')})"
    assert error.usage == Usage(calls=1, tokens_in=100, tokens_out=320)


async def test_a_prompt_that_is_blocked_is_a_rejection():
    body = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 7}}
    error = await error_of((200, body))
    assert isinstance(error, Rejected)
    assert str(error) == "the model declined to answer (prompt blocked: prohibited content)"
    assert error.usage == Usage(calls=1, tokens_in=7)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (generated(reason="MAX_TOKENS"), "the reply was cut off at the token limit"),
        (generated(reason="MALFORMED_RESPONSE"), "the reply was broken off (malformed response)"),
        (generated(""), "the reply is empty"),
        ({"candidates": [{"finishReason": "STOP"}], "usageMetadata": COUNTS}, "the reply is empty"),
        ({"candidates": [], "usageMetadata": COUNTS}, "the reply holds no candidates"),
    ],
)
async def test_a_reply_that_cannot_be_used_was_paid_for(body, words):
    error = await error_of((200, body))
    assert isinstance(error, BadReply)
    assert str(error) == words
    assert error.usage == Usage(calls=1, tokens_in=100, tokens_out=320)


MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"


async def test_a_limit_per_minute_tells_how_long_to_wait():
    error = await error_of(said(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", quota(MINUTE), delay("17.25s")))
    assert isinstance(error, Throttled)
    assert (error.status, error.retry_after) == (429, 17.25)


async def test_a_wait_in_a_header_counts_before_that_in_the_body():
    status, body = said(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", delay("17s"))
    assert (await error_of((status, body, {"Retry-After": "3"}))).retry_after == 3.0


async def test_an_exhausted_server_that_names_no_quota_is_asked_again_later():
    error = await error_of(said(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."))
    assert isinstance(error, Throttled)
    assert error.retry_after is None


async def test_a_used_up_quota_of_the_day_is_refused_because_waiting_does_not_help():
    answer = said(429, "RESOURCE_EXHAUSTED", "You exceeded your quota.", quota(MINUTE, DAY), delay("17s"))
    error = await error_of(answer)
    assert isinstance(error, Refused)
    assert str(error) == (
        "The account's quota of the day for gemini/gemini-flash is used up (HTTP 429: You exceeded your quota); "
        "resume when it is renewed."
    )


async def test_used_up_credits_are_refused_because_waiting_does_not_help():
    error = await error_of(said(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."))
    assert isinstance(error, Refused)
    assert "The account's quota for gemini/gemini-flash is used up" in str(error)


async def test_an_overloaded_model_says_nothing_about_the_pace_of_this_account():
    error = await error_of(said(503, "UNAVAILABLE", "The model is overloaded. Please try again later."))
    assert type(error) is Unreachable
    assert error.status == 503


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            said(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", reason("API_KEY_INVALID")),
            "turned the key down (HTTP 400: API key not valid. Please pass a valid API key); check the key.",
        ),
        (said(401, "UNAUTHENTICATED", "No credentials."), "turned the key down (HTTP 401: No credentials)"),
        (said(403, "PERMISSION_DENIED", "API disabled."), "turned the key down (HTTP 403: API disabled)"),
        (
            said(404, "NOT_FOUND", "models/gemini-flash is not found for API version v1beta"),
            "is not to be had (HTTP 404: models/gemini-flash is not found for API version v1beta); check the model's",
        ),
        (
            said(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
            "is not for this account or this place (HTTP 400: User location is not supported for the API use)",
        ),
    ],
)
async def test_an_account_that_is_turned_away_stops_in_one_sentence(answer, words):
    error = await error_of(answer)
    assert isinstance(error, Refused)
    assert words in str(error)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            said(400, "INVALID_ARGUMENT", "Video input modality is not enabled for models/gemini-flash"),
            Refused,
            "does not take files of this kind (HTTP 400: Video input modality is not enabled for models/gemini-flash)",
        ),
        (
            said(400, "FAILED_PRECONDITION", "The File abc is not in an ACTIVE state and usage is not allowed."),
            Unreachable,
            "the server was not ready (HTTP 400: The File abc is not in an ACTIVE state and usage is not allowed)",
        ),
        (
            said(403, "PERMISSION_DENIED", "You do not have permission to access the File abc or it may not exist."),
            Rejected,
            "the server no longer holds the file (HTTP 403: You do not have permission to access the File abc or it",
        ),
    ],
)
async def test_what_is_wrong_with_a_file_is_told_apart_from_the_key(answer, kind, words):
    error = await error_of(answer, prompt=Prompt(system="s", user="u", media=(VIDEO,)))
    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"x"', b"{}", b'{"error": "down"}', b'[{"error": {"message": "in a list"}}]', b"<html>\xff"],
)
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500, 503])
async def test_no_body_however_odd_breaks_the_reading(status, body):
    error = await error_of((status, body))
    assert "\n" not in str(error)
    assert len(str(error)) < 400


@pytest.mark.parametrize("status", [200, 400, 403, 404, 429])
async def test_a_key_that_the_server_echoes_is_in_no_message(status):
    error = await error_of(said(status, "X", f"Wrong key {KEY}", quota(DAY)), key=KEY)
    assert "AIza" not in f"{error} {error!r} {error.__cause__!r}"


async def test_when_every_first_prompt_is_turned_down_the_request_is_to_blame():
    async with asking(said(400, "INVALID_ARGUMENT", "No.")) as (wire, model):
        for _ in range(GIVE_UP_AFTER - 1):
            with pytest.raises(Rejected):
                await model.ask(ask_for("good"))
        with pytest.raises(Refused, match=f"each of the first {GIVE_UP_AFTER} prompts"):
            await model.ask(ask_for("good"))
    assert len(wire.asked) == GIVE_UP_AFTER


async def test_money_is_counted_for_every_call_that_was_paid_for():
    purse = Purse(1.0)
    price = Price(usd_in=1.0, usd_out=10.0)
    async with answering((200, generated(reason="SAFETY")), FINE) as wire, Session() as session:
        spec = ModelSpec(name="gemini/gemini-flash", base_url=wire.url).settled()
        model = session.model(spec, price=price, purse=purse)
        with pytest.raises(Rejected) as caught:
            await model.ask(ask_for("good"))
        reply = await model.ask(ask_for("good"))
    assert caught.value.usage.cost_usd == reply.usage.cost_usd == pytest.approx(0.0033)
    assert purse.spent_usd == pytest.approx(0.0066)


async def test_a_row_that_another_provider_declines_goes_to_the_fallback_with_the_reason():
    body = {"content": [{"type": "text", "text": "I cannot."}], "stop_reason": "refusal", "usage": {"input_tokens": 5}}
    async with answering((200, body)) as first, answering(FINE) as second, Session() as session:
        specs = [ModelSpec(name="anthropic/claude", base_url=first.url, max_tokens=700)]
        specs.append(ModelSpec(name="gemini/gemini-flash", base_url=second.url, temperature=None))
        models = [session.model(spec.settled({}), own_settings=True) for spec in specs]
        judge = ModelJudge([[Category(name="praise"), Category(name="complaint")]], models)
        verdict = await judge.judge(Item(key=Key(0), fields={"text": "good"}))
    assert (verdict.scores, verdict.method) == ((0.1, 0.9), "gemini/gemini-flash")
    assert verdict.note == "anthropic/claude: the model declined to answer (refusal)"
    assert verdict.usage == Usage(calls=2, tokens_in=105, tokens_out=320)
    assert first.asked[0].body["max_tokens"] == 700
    assert "temperature" not in second.asked[0].body["generationConfig"]


async def test_a_session_opens_the_model_that_a_spec_names(machine):
    machine.setenv("GOOGLE_API_KEY", KEY)
    slow_down = said(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", quota(MINUTE), delay("0.01s"))
    async with answering(slow_down, FINE) as wire, Session() as session:
        spec = ModelSpec(name="gemini/gemini-flash", base_url=f"{wire.url}/v1beta").settled()
        reply = await session.model(spec).ask(ask_for("good"))
        assert session.gate(spec).stats().throttled == 1
    assert reply.usage == Usage(calls=2, tokens_in=100, tokens_out=320)
    assert wire.asked[1].headers["x-goog-api-key"] == KEY


def spec_of(server, **settings):
    return ModelSpec(**{"name": "gemini/gemini-flash", "base_url": server.url, **settings}).settled()


async def test_the_gemini_of_the_tests_answers_as_a_model_does():
    async with GeminiServer() as server, Session() as session:
        reply = await session.model(spec_of(server)).ask(ask_for("good"))
        stats = server.stats()
    assert list(read_scores(reply.text, 2)) == expected_scores("good", 2)
    assert reply.usage == Usage(calls=1, tokens_in=stats.tokens_in, tokens_out=stats.tokens_out)


async def test_every_prompt_is_answered_by_a_gemini_of_few_places_that_fails_now_and_then(machine):
    machine.setenv("GEMINI_API_KEY", KEY)
    faults = {"generate_500": 0.1, "generate_reset": 0.1}
    behaviour = GeminiBehaviour(api_key=KEY, capacity=2, latency=0.005, retry_after=0.01, faults=faults)
    async with GeminiServer(behaviour) as server, Session(rng=random.Random(1)) as session:
        model = session.model(spec_of(server))
        replies = await asyncio.gather(*(model.ask(ask_for(f"text {row}")) for row in range(20)))
        assert server.stats().refused > 0
        assert server.stats().answered_again == 0
    assert [list(read_scores(reply.text, 2)) for reply in replies] == [
        expected_scores(f"text {row}", 2) for row in range(20)
    ]


async def test_a_wrong_key_and_an_unknown_model_are_refused_by_the_gemini_of_the_tests():
    async with GeminiServer(GeminiBehaviour(api_key=KEY)) as server, Session() as session:
        with pytest.raises(Refused, match="turned the key down"):
            await session.model(spec_of(server)).ask(ask_for("good"))
        server.behave(GeminiBehaviour(models=("other",)))
        with pytest.raises(Refused, match=r"is not to be had \(HTTP 404"):
            await session.model(spec_of(server)).ask(ask_for("good"))
