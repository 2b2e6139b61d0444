"""Whole answers from misbehaving servers: session, pace and retry together."""

import random
import socket

import anyio
import pytest

from penstock.errors import InputError, Outage, Refused, Unreachable
from penstock.judge.category import Category
from penstock.judge.scorer import ModelJudge
from penstock.models.session import ModelSpec, Session
from penstock.records import Item, Key, Verdict
from penstock.testing import Behaviour, ModelServer, expected_scores

pytestmark = pytest.mark.anyio

CATEGORIES = [Category(name="praise"), Category(name="complaint")]


def spec_of(url, **settings):
    return ModelSpec(**{"name": "openai/m", "base_url": url, "timeout": 5.0, **settings}).settled()


def item(row):
    return Item(key=Key(row), fields={"text": f"text {row}"}, digest="d")


async def judged(session, specs, rows, *, at_once=32, **settings):
    """Judge so many rows, some at once; returns the outcomes in order."""
    judge = ModelJudge([CATEGORIES], [session.model(spec) for spec in specs], **settings)
    outcomes = {}
    todo = iter(range(rows))

    async def work():
        for row in todo:
            outcomes[row] = await judge.judge(item(row))

    async with anyio.create_task_group() as tasks:
        for _ in range(min(rows, at_once)):
            tasks.start_soon(work)
    return [outcomes[row] for row in range(rows)]


def raised(group):
    """The error that a task group was stopped by."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


async def error_of(rows, **settings):
    with pytest.raises(BaseExceptionGroup) as caught:
        await judged(rows=rows, **settings)
    return raised(caught.value)


def all_right(outcomes):
    return all(
        isinstance(one, Verdict) and list(one.scores) == expected_scores(f"text {row}", 2)
        for row, one in enumerate(outcomes)
    )


async def test_with_one_attempt_and_a_server_of_two_places_every_row_gets_its_verdict():
    async with ModelServer(Behaviour(capacity=2, latency=0.005)) as server, Session() as session:
        outcomes = await judged(session, [spec_of(server.url, attempts=1)], 80)
        assert all_right(outcomes)
        assert server.stats().refused > 0
        assert server.stats().answered_again == 0


async def test_faults_that_pass_cost_no_row():
    faults = {"http_500": 0.1, "drop": 0.05, "drop_midway": 0.05, "html_body": 0.05, "wrong_count": 0.1, "nan": 0.05}
    async with ModelServer(Behaviour(faults=faults, seed=3)) as server, Session(rng=random.Random(1)) as session:
        outcomes = await judged(session, [spec_of(server.url)], 60, at_once=60, asks=6)
        assert all_right(outcomes)
        assert sum(one.usage.calls for one in outcomes) == server.stats().received


async def test_a_model_that_hangs_is_replaced_by_the_fallback_with_a_note():
    hanging = Behaviour(faults={"hang": 1.0})
    async with ModelServer(hanging) as first, ModelServer() as second, Session() as session:
        specs = [spec_of(first.url, timeout=0.05, attempts=1), spec_of(second.url, name="openai/other")]
        outcomes = await judged(session, specs, 3)
    assert all_right(outcomes)
    assert {one.method for one in outcomes} == {"openai/other"}
    assert all("no answer within 0.05 s" in one.note for one in outcomes)


async def test_a_model_with_errors_is_replaced_by_the_fallback_with_a_note():
    async with ModelServer(Behaviour(faults={"http_500": 1.0})) as first, ModelServer() as second, Session() as session:
        specs = [spec_of(first.url, attempts=1), spec_of(second.url, name="openai/other")]
        outcomes = await judged(session, specs, 3)
    assert all_right(outcomes)
    assert {one.note for one in outcomes} == {"openai/m: the server had an error (HTTP 500)"}


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (Behaviour(api_key="right"), "turned the key down (HTTP 401: Incorrect API key provided)"),
        (Behaviour(models=("other",)), "is not to be had (HTTP 404: The model `m` does not exist)"),
        (Behaviour(faults={"quota": 1.0}), "quota for openai/m is used up"),
    ],
)
async def test_an_account_that_is_turned_away_stops_at_once(behaviour, said):
    async with ModelServer(behaviour) as server, Session() as session:
        error = await error_of(40, session=session, specs=[spec_of(server.url)], at_once=4)
        assert isinstance(error, Refused)
        assert said in str(error)
        assert server.stats().received <= 4


async def test_when_each_of_the_first_prompts_is_turned_down_the_run_stops():
    async with ModelServer(Behaviour(faults={"policy": 1.0})) as server, Session() as session:
        error = await error_of(100, session=session, specs=[spec_of(server.url)], at_once=1)
        assert isinstance(error, Refused)
        assert "each of the first 20 prompts" in str(error)
        assert server.stats().received == 20


async def test_a_port_that_nobody_listens_on_is_told_with_the_address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        async with Session() as session:
            error = await error_of(4, session=session, specs=[spec_of(url, attempts=2)])
    assert isinstance(error, InputError)
    assert f"Cannot reach openai/m@{url}: the connection failed" in str(error)


async def test_a_server_that_goes_down_for_good_ends_the_run_as_an_outage():
    async with ModelServer() as server, Session() as session:
        spec = spec_of(server.url, attempts=1, patience=0.05)
        judge = ModelJudge([CATEGORIES], [session.model(spec)])
        assert isinstance(await judge.judge(item(0)), Verdict)
        server.behave(Behaviour(faults={"http_503": 1.0}, latency=0.02))

        async def go_on():
            for row in range(1, 1000):
                assert (await judge.judge(item(row))).code == "unreachable"

        with pytest.raises(Outage, match=r"gave no good answer for 0\.05 s"):
            await go_on()


async def test_the_wait_that_a_server_names_reaches_the_pace():
    async with ModelServer(Behaviour(capacity=1, latency=0.02, retry_after=0.01)) as server, Session() as session:
        spec = spec_of(server.url)
        assert all_right(await judged(session, [spec], 12, at_once=12))
        stats = session.gate(spec).stats()
        assert stats.throttled == server.stats().refused > 0
        assert (stats.in_flight, stats.waiting) == (0, 0)


async def test_jobs_of_one_account_and_model_share_a_pace_and_others_do_not(machine):
    async with Session() as session:
        one = session.gate(spec_of("http://127.0.0.1:1/v1"))
        assert session.gate(spec_of("http://127.0.0.1:1/v1/", timeout=9.0)) is one
        assert session.gate(spec_of("http://127.0.0.1:2/v1")) is not one
        assert session.gate(spec_of("http://127.0.0.1:1/v1", name="openai/n")) is not one
        machine.setenv("OPENAI_API_KEY", "sk-other-account")
        assert session.gate(spec_of("http://127.0.0.1:1/v1")) is not one


async def test_a_gate_is_found_by_the_account_without_keeping_its_key(machine):
    machine.setenv("OPENAI_API_KEY", "sk-secret")
    async with Session() as session:
        session.gate(spec_of("http://127.0.0.1:1/v1"))
        assert "sk-secret" not in repr(session._gates)


async def test_a_known_limit_is_kept_from_the_start():
    async with Session() as session:
        gate = session.gate(spec_of("http://127.0.0.1:1/v1", concurrency=3, requests_per_minute=60.0))
        ticket = await gate.enter()
        gate.succeeded(ticket)
        assert gate.pace.wait(gate._clock()) > 0


async def test_a_session_that_is_not_open_says_so():
    with pytest.raises(RuntimeError, match="async with"):
        Session().model(spec_of("http://127.0.0.1:1/v1"))


async def test_a_transport_of_ones_own_is_used_and_left_open():
    class Transport:
        closed = False

        async def post(self, url, *, headers, body, timeout):
            raise Unreachable(f"{url} for {timeout:g} s")

        async def close(self):
            self.closed = True

    transport = Transport()
    async with Session(transport=transport) as session:
        error = await error_of(1, session=session, specs=[spec_of("http://127.0.0.1:1/v1", attempts=1)])
    assert "http://127.0.0.1:1/v1/chat/completions for 5 s" in str(error)
    assert not transport.closed
