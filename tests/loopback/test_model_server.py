import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest

from penstock.errors import InputError, JobError
from penstock.testing import Behaviour, ModelServer, expected_scores, serve_in_process

pytestmark = pytest.mark.anyio

SERVE = "from penstock.testing import Behaviour, serve; serve(Behaviour(faults={'hang': 1.0}))"
PARENT = """
import time
from penstock.testing import Behaviour, serve_in_process
with serve_in_process(Behaviour(faults={"hang": 1.0})) as server:
    print(server.url, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def anyio_backend():
    return "asyncio"


def chat(text="a", *, n=3):
    user = f"<<<0123456789abcdef\n{json.dumps({'text': text})}\n0123456789abcdef>>>"
    messages = [{"role": "system", "content": f"exactly {n} numbers"}, {"role": "user", "content": user}]
    return {"model": "m", "messages": messages}


def raw_chat(text="a"):
    body = json.dumps(chat(text)).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body


@asynccontextmanager
async def serving(behaviour=None, **more):
    """A server and a session of a real client."""
    async with ModelServer(behaviour, **more) as server, aiohttp.ClientSession() as session:
        yield server, session


@asynccontextmanager
async def connected(server):
    """A bare connection, for what no client would send."""
    address = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def ask(server, session, text="a", **more):
    async with session.post(f"{server.url}/chat/completions", json=chat(text), **more) as response:
        return response.status, response.headers, await response.read()


async def until(condition):
    """Let the loop go round until something is so; the test's own time limit bounds it."""
    while not condition():  # noqa: ASYNC110 - what is waited for happens on the other side of a socket
        await asyncio.sleep(0.001)


async def flood(writer):
    """Send far more than the buffers between the two hold, for as long as it is taken."""
    chunk = raw_chat() * 100
    for _ in range(64 * 1024 * 1024 // len(chunk)):
        writer.write(chunk)
        await writer.drain()


def scores(body):
    return json.loads(json.loads(body)["choices"][0]["message"]["content"])["scores"]


async def test_a_client_gets_the_scores_that_the_test_expects():
    async with serving() as (server, session):
        status, _, body = await ask(server, session, "a comment")
    assert (status, scores(body)) == (200, expected_scores("a comment", 3))


async def test_many_clients_at_once_get_each_their_own_answer():
    async with serving(Behaviour(latency=0.01)) as (server, session):
        texts = [f"text {number}" for number in range(200)]
        answers = await asyncio.gather(*(ask(server, session, text) for text in texts))
        assert [scores(body) for _, _, body in answers] == [expected_scores(text, 3) for text in texts]
        stats = server.stats()
    assert (stats.received, stats.answered, stats.repeated, stats.in_flight) == (200, 200, 0, 0)
    assert stats.peak_in_flight > 1


async def test_calls_beyond_the_capacity_get_429_with_retry_after():
    async with serving(Behaviour(latency=0.2, capacity=2, retry_after=3)) as (server, session):
        answers = await asyncio.gather(*(ask(server, session, text) for text in "abcde"))
        assert sorted(status for status, _, _ in answers) == [200, 200, 429, 429, 429]
        assert {headers.get("retry-after") for status, headers, _ in answers if status == 429} == {"3"}
        assert server.stats().peak_in_flight == 2


async def test_calls_that_wait_their_turn_are_all_answered():
    async with serving(Behaviour(latency=0.01, capacity=2, overflow="wait")) as (server, session):
        answers = await asyncio.gather(*(ask(server, session, text) for text in "abcdefgh"))
        assert [status for status, _, _ in answers] == [200] * 8
        assert server.stats().peak_in_flight == 2


async def test_instant_calls_that_wait_are_all_answered():
    async with serving(Behaviour(capacity={0: 0, 0.05: 1}, overflow="wait")) as (server, session):
        answers = await asyncio.gather(*(ask(server, session, f"text {number}") for number in range(50)))
        assert {status for status, _, _ in answers} == {200}


async def test_a_waiting_call_is_answered_when_the_behaviour_allows_it():
    async with serving(Behaviour(capacity=0, overflow="wait")) as (server, session):
        asked = asyncio.create_task(ask(server, session))
        await until(lambda: server.stats().waiting == 1)
        server.behave(Behaviour())
        assert (await asked)[0] == 200


@pytest.mark.parametrize("fault", ["drop", "drop_midway"])
async def test_a_dropped_connection_is_an_error_of_the_client(fault):
    async with serving(Behaviour(faults={fault: 1.0})) as (server, session):
        with pytest.raises((aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)):
            await ask(server, session)
        assert server.stats().answered == 0


async def test_a_hang_ends_with_a_closed_connection():
    async with serving(Behaviour(faults={"hang": 1.0}, hang_seconds=0.05)) as (server, session):
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask(server, session)


async def test_a_client_that_gives_up_on_a_hang_is_counted_and_frees_its_place():
    async with serving(Behaviour(faults={"hang": 1.0}, capacity=1)) as (server, session):
        with pytest.raises(TimeoutError):
            await ask(server, session, timeout=aiohttp.ClientTimeout(total=0.05))
        await until(lambda: server.stats().in_flight == 0)
        assert server.stats().abandoned == 1


async def test_a_client_that_gives_up_lets_in_one_that_waits():
    async with serving(Behaviour(latency=3600, capacity=1, overflow="wait")) as (server, session):
        first = asyncio.create_task(ask(server, session, "a"))
        await until(lambda: server.stats().in_flight == 1)
        second = asyncio.create_task(ask(server, session, "b"))
        await until(lambda: server.stats().waiting == 1)
        server.behave(Behaviour(capacity=1, overflow="wait"))
        first.cancel()
        assert (await second)[0] == 200


async def test_closing_a_server_drops_hung_and_waiting_calls_and_leaves_no_task():
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession() as session:
        async with ModelServer(Behaviour(faults={"hang": 1.0}, capacity=2, overflow="wait")) as server:
            asked = [asyncio.create_task(ask(server, session, text)) for text in "abcd"]
            await until(lambda: server.stats().received == 4)
            assert asyncio.all_tasks() - before == set(asked)
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(answer, aiohttp.ClientConnectionError) for answer in answers)
    assert asyncio.all_tasks() == before


async def test_a_bug_in_an_answer_drops_the_call_and_is_shown():
    seen = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context["exception"]))
    async with serving(answer=lambda body: body["nothing"]) as (server, session):
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask(server, session)
    assert [type(error) for error in seen] == [KeyError]


async def test_a_key_is_asked_for():
    async with serving(Behaviour(api_key="right")) as (server, session):
        refused = await ask(server, session)
        let_in = await ask(server, session, headers={"Authorization": "Bearer right"})
    assert (refused[0], let_in[0]) == (401, 200)


async def test_a_body_in_chunks_is_read():
    async def pieces():
        raw = json.dumps(chat("in pieces")).encode()
        for at in range(0, len(raw), 40):
            yield raw[at : at + 40]

    async with serving() as (server, session):
        url = f"{server.url}/chat/completions"
        async with session.post(url, data=pieces(), expect100=True) as response:
            assert scores(await response.read()) == expected_scores("in pieces", 3)


async def test_requests_sent_ahead_are_answered_in_their_order():
    texts = [f"text {number}" for number in range(300)]
    async with ModelServer() as server, connected(server) as (reader, writer):
        writer.write(b"".join(raw_chat(text) for text in texts))
        for text in texts:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            assert scores(await reader.readexactly(length)) == expected_scores(text, 3)


async def test_a_client_far_ahead_of_its_answers_is_not_read_without_bound():
    async with ModelServer(Behaviour(faults={"hang": 1.0})) as server, connected(server) as (_, writer):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(flood(writer), 1)
        assert server.stats().received == 1
        writer.transport.abort()


async def test_a_client_that_reads_no_answers_is_not_answered_without_bound():
    async with ModelServer() as server, connected(server) as (_, writer):
        answered = -1
        while server.stats().received != answered:  # until the buffers between the two are full
            answered = server.stats().received
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(flood(writer), 0.2)
        assert answered > 0
        writer.transport.abort()


async def test_a_client_that_reads_late_gets_all_its_answers():
    async with ModelServer() as server, connected(server) as (reader, writer):
        sent = 20_000
        writer.write(raw_chat() * sent)
        await until(lambda: server.stats().answered > 0)
        for _ in range(sent):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        assert server.stats().answered == sent


async def test_what_is_no_http_gets_400_and_the_connection_closes():
    async with ModelServer() as server, connected(server) as (reader, writer):
        writer.write(b"hello there\r\n\r\n" + raw_chat())
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.count(b"HTTP/1.1") == 1


async def test_the_connection_stays_open_unless_it_is_asked_to_close():
    async with ModelServer() as server, connected(server) as (reader, writer):
        writer.write(b"GET /health HTTP/1.1\r\n\r\nGET /health HTTP/1.1\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
    assert answer.count(b"HTTP/1.1 200 OK") == 2


async def test_closing_twice_is_closing_once():
    async with ModelServer() as server:
        await server.close()


async def test_a_reset_begins_the_schedule_anew():
    clock = iter([0.0, *[20.0] * 99])
    behaviour = Behaviour(capacity={0: 1, 10: 0}, since="start")
    async with serving(behaviour, clock=lambda: next(clock)) as (server, session):
        assert (await ask(server, session))[0] == 429
        server.reset()
        assert (await ask(server, session))[0] == 200
        assert server.stats().refused == 0


async def test_statistics_are_served_as_json_and_can_be_reset():
    async with serving() as (server, session):
        base = server.url.removesuffix("/v1")
        await ask(server, session)
        async with session.get(f"{base}/stats") as response:
            assert (await response.json())["answered"] == 1
        async with session.post(f"{base}/reset") as response:
            assert response.status == 200
        assert server.stats().received == 0


async def test_a_behaviour_can_be_sent_and_a_wrong_one_is_refused():
    async with serving() as (server, session):
        url = server.url.removesuffix("/v1") + "/behaviour"
        async with session.post(url, json={"capacity": 0}) as response:
            assert response.status == 200
        async with session.post(url, json={"capacty": 9}) as response:
            assert response.status == 400
            assert "did you mean 'capacity'" in await response.text()
        assert (await ask(server, session))[0] == 429


async def test_a_taken_port_is_named():
    async with ModelServer() as server:
        port = urlsplit(server.url).port
        with pytest.raises(InputError, match=f"Port {port} cannot be used"):
            async with ModelServer(port=port):
                pass


async def test_a_port_that_does_not_exist_is_named():
    with pytest.raises(InputError, match="Port 70000 cannot be used"):
        async with ModelServer(port=70000):
            pass


async def test_a_server_that_is_not_running_has_no_address():
    with pytest.raises(JobError, match="not running"):
        _ = ModelServer().url


async def test_a_server_in_its_own_process_answers_counts_and_changes():
    with serve_in_process(Behaviour(capacity={0: 1, 3600: 2})) as server:
        async with aiohttp.ClientSession() as session:
            assert (await ask(server, session))[0] == 200
            assert server.stats().answered == 1
            server.behave(Behaviour(api_key="right"))
            assert (await ask(server, session))[0] == 401
            server.reset()
            assert server.stats().received == 0


def test_a_process_ends_with_its_block_even_while_calls_hang():
    with serve_in_process(Behaviour(faults={"hang": 1.0})) as server:
        hung = hang_on(server.url)
        while server.stats().in_flight == 0:
            time.sleep(0.01)
    assert is_closed(hung)
    with pytest.raises(JobError, match="does not answer"):
        server.stats()


def test_a_process_that_cannot_start_says_so(capfd):
    with serve_in_process() as server:
        port = urlsplit(server.url).port
        with pytest.raises(InputError, match="did not start"), serve_in_process(port=port):
            pass
    assert f"Port {port} cannot be used" in capfd.readouterr().err


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are chosen on Linux only")
def test_a_process_can_be_kept_on_one_core():
    core = max(os.sched_getaffinity(0))
    with serve_in_process(cpu=core) as server:
        assert os.sched_getaffinity(server.pid) == {core}


def test_a_process_ends_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    with parent:
        url = parent.stdout.readline().decode().strip()
        hung = hang_on(url)
        parent.kill()
        assert is_closed(hung)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_serving_process_with_code_0_even_while_calls_hang(number):
    process = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        url = process.stdout.readline().decode().strip()
        hung = hang_on(url)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, b"")
    assert is_closed(hung)


def hang_on(url):
    """A connection with a call on it that hangs; it reads as closed when the server ends."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port), timeout=30)
    connection.sendall(raw_chat())
    return connection


def is_closed(connection):
    """Whether the other side closes without an answer; closes this side too."""
    with connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True
