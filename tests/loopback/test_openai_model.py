"""The client of OpenAI-compatible servers against servers that misbehave."""

import asyncio
import gzip
import json
import socket
import traceback
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from penstock.errors import BadReply, ItemError, Refused, Rejected, Throttled, Unreachable
from penstock.judge.category import Category
from penstock.judge.numeric import ScorePrompt, read_scores
from penstock.models.openai import GIVE_UP_AFTER, OpenAIModel
from penstock.records import Usage
from penstock.testing import Behaviour, ModelServer, expected_scores
from penstock.web.transport import LARGEST_BODY, HttpTransport
from wires import answering

pytestmark = pytest.mark.anyio

KEY = "sk-a-very-secret-key"
ask_for = ScorePrompt([Category(name="praise"), Category(name="complaint")], max_tokens=50)


def model_at(url, transport, **settings):
    return OpenAIModel("m", transport=transport, base_url=url, **{"timeout": 10.0, **settings})


@asynccontextmanager
async def asking(behaviour=None, *, answer=None, **settings):
    """A server that behaves so, and a model that asks it."""
    more = {} if answer is None else {"answer": answer}
    async with ModelServer(behaviour, **more) as server, HttpTransport() as transport:
        yield server, model_at(server.url, transport, **settings)


@asynccontextmanager
async def canned(*responses, **settings):
    """A server that sends these bytes, one after the other and then the last one again, and a model that asks it."""
    received = []

    async def serve(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                received.append(json.loads(await reader.readexactly(length)))
                writer.write(responses[min(len(received), len(responses)) - 1])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, HttpTransport() as transport:
        yield received, model_at(f"http://127.0.0.1:{port}/v1", transport, **settings)


def response(status, body, *headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def said(message, **more):
    return {"error": {"message": message, **more}}


def completion(content='{"scores": [0.1, 0.9]}', **more):
    return {"choices": [{"message": {"content": content}, "finish_reason": "stop"}], **more}


async def test_a_reply_says_what_was_answered_by_whom_and_what_it_took():
    async with asking() as (server, model):
        reply = await model.ask(ask_for("good"))
        stats = server.stats()
    assert list(read_scores(reply.text, 2)) == expected_scores("good", 2)
    assert (reply.model, model.name, model.identity) == ("openai/m", "openai/m", f"openai/m@{server_url(model)}")
    assert reply.usage == Usage(calls=1, tokens_in=stats.tokens_in, tokens_out=stats.tokens_out)


def server_url(model):
    return model._base_url


async def test_the_request_holds_the_prompt_and_its_settings():
    async with canned(response(200, completion())) as (received, model):
        prompt = ask_for("good")
        await model.ask(prompt)
    assert received[0]["model"] == "m"
    assert [message["content"] for message in received[0]["messages"]] == [prompt.system, prompt.user]
    assert (received[0]["temperature"], received[0]["max_tokens"]) == (0.0, 50)
    assert received[0]["response_format"]["json_schema"]["schema"] == prompt.schema


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        ("http_500", Unreachable, 500),
        ("http_502", Unreachable, 502),
        ("http_503", Unreachable, 503),
        ("http_503_retry_after", Throttled, 503),
        ("drop", Unreachable, None),
        ("drop_midway", Unreachable, None),
        ("html_body", Unreachable, 200),
        ("truncated_body", Unreachable, 200),
        ("error_body", Unreachable, 200),
        ("no_choices", BadReply, None),
        ("content_filter", Rejected, 200),
        ("policy", Rejected, 400),
        ("empty", BadReply, None),
        ("truncated", BadReply, None),
    ],
)
async def test_every_fault_of_a_server_is_told_by_its_error(fault, error, status):
    async with asking(Behaviour(faults={fault: 1.0})) as (_, model):
        with pytest.raises(error) as caught:
            await model.ask(ask_for("good"))
    assert type(caught.value) is error
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Rejected),
        (401, Refused),
        (402, Refused),
        (403, Refused),
        (404, Refused),
        (405, Refused),
        (408, Unreachable),
        (409, Unreachable),
        (413, Rejected),
        (422, Rejected),
        (425, Unreachable),
        (429, Throttled),
        (500, Unreachable),
        (529, Throttled),
        (599, Unreachable),
        (301, Refused),
        (302, Refused),
        (204, Refused),
    ],
)
async def test_every_status_says_what_to_do_next(status, error):
    body = b"" if status == 204 else said("No.")
    async with canned(response(status, body, "Location: http://127.0.0.1:1/")) as (received, model):
        with pytest.raises(error) as caught:
            await model.ask(ask_for("good"))
        assert type(caught.value) is error
        assert len(received) == 1
        if status not in {204, 429, 529} and status < 500 and error is not Unreachable:
            assert f"HTTP {status}: No" in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"error": null}',
        b'{"error": []}',
        b'{"error": {"message": 7}}',
        b'{"detail": [{"loc": ["body"], "msg": "bad"}]}',
        b'{"error": "\xff\xfe"}',
        b'{"error": ' + b"[" * 50_000,
        b"<html>\x00\xff",
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": "none", "usage": {"prompt_tokens": "many"}}',
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
async def test_no_body_however_odd_breaks_the_client(status, body):
    async with canned(response(status, body)) as (_, model):
        with pytest.raises((ItemError, Refused, Throttled, Unreachable)) as caught:
            await model.ask(ask_for("good"))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


async def test_a_refusal_tells_how_long_to_wait():
    async with canned(response(429, said("Slow down."), "Retry-After: 7")) as (_, model):
        with pytest.raises(Throttled) as caught:
            await model.ask(ask_for("good"))
    assert (caught.value.status, caught.value.retry_after) == (429, 7.0)


async def test_rate_limit_headers_come_with_the_reply():
    limits = ("x-ratelimit-limit-requests: 60", "x-ratelimit-remaining-requests: 59", "x-ratelimit-reset-requests: 1s")
    async with canned(response(200, completion(), *limits)) as (_, model):
        reply = await model.ask(ask_for("good"))
    assert (reply.limits.requests.limit, reply.limits.requests.remaining, reply.limits.requests.reset) == (60, 59, 1.0)


async def test_a_used_up_quota_is_refused_because_waiting_does_not_help():
    async with asking(Behaviour(faults={"quota": 1.0})) as (_, model):
        with pytest.raises(Refused, match=r"quota for openai/m is used up .* resume when it is renewed\.$"):
            await model.ask(ask_for("good"))


async def test_no_answer_in_time_is_told_with_the_time():
    async with asking(Behaviour(faults={"hang": 1.0}), timeout=0.05) as (_, model):
        with pytest.raises(Unreachable, match=r"^no answer within 0\.05 s$"):
            await model.ask(ask_for("good"))


async def test_a_port_that_nobody_listens_on_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with HttpTransport() as transport:
            model = model_at(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", transport)
            with pytest.raises(Unreachable, match="the connection failed"):
                await model.ask(ask_for("good"))


async def test_a_body_without_end_does_not_fill_the_memory():
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (LARGEST_BODY + 2_000_000)
    async with canned(endless) as (_, model):
        with pytest.raises(Unreachable, match="larger than 8 MB"):
            await model.ask(ask_for("good"))


async def test_a_small_body_that_unpacks_into_a_huge_one_does_not_fill_the_memory():
    packed = gzip.compress(b" " * (4 * LARGEST_BODY))
    async with canned(response(200, packed, "Content-Encoding: gzip")) as (_, model):
        with pytest.raises(Unreachable, match="larger than 8 MB"):
            await model.ask(ask_for("good"))


async def test_a_packed_reply_is_read():
    packed = gzip.compress(json.dumps(completion()).encode())
    async with canned(response(200, packed, "Content-Encoding: gzip")) as (_, model):
        assert (await model.ask(ask_for("good"))).text == '{"scores": [0.1, 0.9]}'


async def test_a_body_that_is_not_packed_as_it_says_is_unreachable():
    async with canned(response(200, b"not gzip at all", "Content-Encoding: gzip")) as (_, model):
        with pytest.raises(Unreachable):
            await model.ask(ask_for("good"))


@pytest.mark.parametrize(("structured", "calls"), [("json_schema", 1), ("json_object", 2), ("none", 3)])
async def test_what_a_server_does_not_take_is_learnt_once(structured, calls):
    async with asking(Behaviour(structured=structured)) as (server, model):
        for place in range(5):
            reply = await model.ask(ask_for(f"text {place}"))
            assert list(read_scores(reply.text, 2)) == expected_scores(f"text {place}", 2)
        assert server.stats().received == calls - 1 + 5


async def test_settings_that_a_server_does_not_take_are_left_out():
    async with asking(Behaviour(structured="none", unsupported=("temperature", "max_tokens"))) as (server, model):
        for place in range(3):
            await model.ask(ask_for(f"text {place}"))
        assert server.stats().received == 3 + 4


async def test_the_longest_reply_is_asked_for_under_its_newer_name_where_the_old_one_is_gone():
    gone = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    async with canned(response(400, said(gone)), response(200, completion())) as (received, model):
        await model.ask(ask_for("one"))
        await model.ask(ask_for("two"))
    assert [(body.get("max_tokens"), body.get("max_completion_tokens")) for body in received] == [
        (50, None),
        (None, 50),
        (None, 50),
    ]


class Late(HttpTransport):
    """Brings the answer to a prompt without a temperature only when it is told to."""

    def __init__(self):
        super().__init__()
        self.asked, self.told = asyncio.Event(), asyncio.Event()

    async def post(self, url, *, headers, body, timeout):
        answer = await super().post(url, headers=headers, body=body, timeout=timeout)
        if b"temperature" not in body and not self.asked.is_set():
            self.asked.set()
            await self.told.wait()
        return answer


async def test_what_is_learnt_outlasts_a_prompt_that_was_asked_before():
    fine, refused = (200, completion()), (400, {"error": {"message": "temperature is not supported"}})
    async with answering(fine, refused, fine) as wire, Late() as transport, asyncio.TaskGroup() as group:
        model = model_at(wire.url, transport)
        group.create_task(model.ask(replace(ask_for("plain"), temperature=None)))
        await transport.asked.wait()
        await model.ask(ask_for("one"))
        transport.told.set()
        await asyncio.sleep(0)
        await model.ask(ask_for("two"))
    assert ["temperature" in asked.body for asked in wire.asked] == [False, True, False, False]


async def test_a_prompt_that_is_turned_down_with_such_words_changes_nothing_for_the_others():
    echo = response(400, said("Rejected by policy: the text is about json_schema, temperature and max_tokens."))
    fine = response(200, completion())
    async with canned(fine, echo, fine) as (received, model):
        await model.ask(ask_for("one"))
        with pytest.raises(Rejected):
            await model.ask(ask_for("two"))
        await model.ask(ask_for("three"))
    assert len(received) == 3
    assert received[2].keys() == received[0].keys()


async def test_a_first_prompt_that_is_turned_down_in_every_form_changes_nothing_for_the_others():
    echo = response(400, said("Rejected by policy: the text is about response_format and temperature."))
    async with canned(*[echo] * 4, response(200, completion())) as (received, model):
        with pytest.raises(Rejected):
            await model.ask(ask_for("one"))
        await model.ask(ask_for("two"))
    assert len(received) == 5
    assert received[4].keys() == received[0].keys()


async def test_when_every_first_prompt_is_turned_down_the_request_is_to_blame():
    async with asking(Behaviour(faults={"policy": 1.0})) as (server, model):
        errors = []
        for place in range(GIVE_UP_AFTER):
            with pytest.raises((Rejected, Refused)) as caught:
                await model.ask(ask_for(f"text {place}"))
            errors.append(caught.type)
        assert errors == [Rejected] * (GIVE_UP_AFTER - 1) + [Refused]
        assert server.stats().received == GIVE_UP_AFTER


async def test_after_one_accepted_prompt_each_that_is_turned_down_is_its_own():
    bad = response(400, said("no"))
    async with canned(response(200, completion()), bad) as (_, model):
        await model.ask(ask_for("good"))
        for place in range(GIVE_UP_AFTER + 5):
            with pytest.raises(Rejected):
                await model.ask(ask_for(f"text {place}"))


async def test_a_wrong_key_and_an_unknown_model_are_refused_in_one_sentence():
    async with asking(Behaviour(api_key="right"), key="wrong") as (_, model):
        with pytest.raises(
            Refused, match=r"turned the key down \(HTTP 401: Incorrect API key provided\); check the key"
        ):
            await model.ask(ask_for("good"))
    async with asking(Behaviour(models=("other",))) as (_, model):
        with pytest.raises(
            Refused, match=r"not to be had \(HTTP 404: The model `m` does not exist\); check the model's"
        ):
            await model.ask(ask_for("good"))


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429])
async def test_a_key_that_the_server_echoes_is_in_no_message(status, caplog):
    caplog.set_level("DEBUG")
    for message in (f"Wrong key {KEY}", "x" * 190 + KEY, " " * 1990 + KEY, f"{KEY}\n{KEY}"):
        body = said(message, code="insufficient_quota" if status == 429 else None)
        async with canned(response(status, body), key=KEY) as (_, model):
            with pytest.raises((ItemError, Refused, Throttled, Unreachable)) as caught:
                await model.ask(ask_for("good"))
        for shown in (str(caught.value), repr(caught.value), repr(caught.value.__cause__), repr(model), model.identity):
            assert "sk-a" not in shown
    assert "sk-a" not in caplog.text


@pytest.mark.parametrize(
    ("rest", "said"), [("\x00\r\n\r\n", "the answer was no HTTP"), ("\r\nContent-Le", "the server hung up")]
)
async def test_a_key_that_a_broken_answer_repeats_is_in_no_traceback(rest, said):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nX-Seen: {KEY}{rest}".encode())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, HttpTransport() as transport:
        model = model_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", transport, key=KEY)
        with pytest.raises(Unreachable, match=said) as caught:
            await model.ask(ask_for("good"))
    assert KEY not in "".join(traceback.format_exception(caught.value))


async def test_the_key_is_sent_as_a_bearer_token():
    async with asking(Behaviour(api_key=KEY), key=KEY) as (_, model):
        assert (await model.ask(ask_for("good"))).usage.calls == 1


async def test_a_refusal_of_the_model_itself_is_a_rejection():
    body = {"choices": [{"message": {"content": None, "refusal": "I cannot."}, "finish_reason": "stop"}]}
    async with canned(response(200, body)) as (_, model):
        with pytest.raises(Rejected, match="declined"):
            await model.ask(ask_for("good"))


async def test_a_reply_without_counts_is_a_reply():
    async with canned(response(200, completion(usage=None))) as (_, model):
        assert (await model.ask(ask_for("good"))).usage == Usage(calls=1)


async def test_many_calls_at_once_share_one_session():
    async with asking(Behaviour(latency=0.005)) as (server, model):
        replies = await asyncio.gather(*(model.ask(ask_for(f"text {place}")) for place in range(100)))
        assert server.stats().answered == 100
    assert [list(read_scores(reply.text, 2)) for reply in replies] == [
        expected_scores(f"text {place}", 2) for place in range(100)
    ]


async def test_a_proxy_is_used_where_the_environment_names_one(machine):
    async with ModelServer() as proxy, HttpTransport() as transport:
        machine.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        with pytest.raises(Refused):  # the server knows no proxy's requests, but it is the one that was asked
            await model_at("http://model.invalid/v1", transport).ask(ask_for("good"))


async def test_a_transport_that_is_not_open_says_so():
    with pytest.raises(RuntimeError, match="async with"):
        await model_at("http://127.0.0.1:1/v1", HttpTransport()).ask(ask_for("good"))
