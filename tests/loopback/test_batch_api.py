"""The client of a provider's batch API, call by call."""

import pytest

from penstock.errors import DeliveryError, Outage, Refused
from penstock.models.batches import BatchApi
from penstock.testing import Behaviour, ModelServer
from penstock.web.again import Again
from penstock.web.transport import HttpTransport

pytestmark = pytest.mark.anyio

LINE = (
    '{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":'
    '[{"role":"system","content":"exactly 1 numbers"},{"role":"user","content":"<<<0123456789abcdef\\n'
    '{\\"text\\":\\"a\\"}\\n0123456789abcdef>>>"}]}}\n'
)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.slept = []

    def __call__(self):
        return sum(self.slept)

    async def sleep(self, seconds):
        self.slept.append(seconds)


def api(http, url, *, clock=None, **more):
    clock = clock or Clock()
    return BatchApi(http, base_url=url, clock=clock, sleep=clock.sleep, again=Again(sleep=clock.sleep), **more)


@pytest.fixture
async def http():
    async with HttpTransport() as transport:
        yield transport


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text(LINE)
    return path


async def made(client, lines, *, digest="d"):
    file_id = await client.upload(lines, name=f"{digest}.jsonl", boundary=f"penstock-{digest}")
    return await client.create(file_id, digest=digest)


async def test_a_file_goes_up_comes_down_and_is_deleted(http, lines, tmp_path):
    async with ModelServer() as server:
        client = api(http, server.url)
        file_id = await client.upload(lines, name="l.jsonl", boundary="penstock-x")
        await client.fetch(file_id, tmp_path / "back")
        await client.delete(file_id)
        await client.delete(file_id)
        assert server.stats().files == 0
    assert (tmp_path / "back").read_bytes() == lines.read_bytes()


async def test_a_large_file_is_streamed_whole(http, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"0123456789abcde\n" * 300_000)
    async with ModelServer() as server:
        client = api(http, server.url)
        await client.fetch(await client.upload(path, name="l", boundary="penstock-x"), tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == path.read_bytes()


async def test_a_file_is_found_by_its_name_and_size(http, lines):
    async with ModelServer() as server:
        client = api(http, server.url)
        file_id = await client.upload(lines, name="l.jsonl", boundary="penstock-x")
        assert await client.find_file("l.jsonl", size=len(LINE)) == file_id
        assert await client.find_file("l.jsonl", size=1) is None


async def test_a_batch_is_found_by_its_digest_however_many_came_after_it(http, lines):
    async with ModelServer() as server:
        client = api(http, server.url)
        wanted = await made(client, lines, digest="wanted")
        for n in range(120):
            await client.create(wanted.input_file_id, digest=f"other {n}")
        assert (await client.find("wanted")).id == wanted.id
        assert await client.find("unknown") is None


async def test_looks_at_a_batch_become_rarer(http, lines):
    now, clock = [0.0], Clock()

    async def sleep(seconds):
        await clock.sleep(seconds)
        now[0] += seconds

    async with ModelServer(Behaviour(batch_seconds=300.0), clock=lambda: now[0]) as server:
        client = BatchApi(http, base_url=server.url, sleep=sleep, clock=clock)
        batch = await client.wait((await made(client, lines)).id)
    assert batch.status == "completed"
    assert clock.slept[0] == 5.0
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == 60.0


async def test_a_server_that_is_away_for_a_while_is_waited_for(http, lines):
    clock = Clock()
    async with ModelServer(Behaviour(batch_faults={"http_503": 0.5}, seed=3)) as server:
        client = api(http, server.url, clock=clock)
        assert (await client.wait((await made(client, lines)).id)).status == "completed"


async def test_a_server_that_stays_away_stops_the_run_and_the_batch_goes_on(http, lines):
    clock = Clock()
    async with ModelServer() as server:
        client = api(http, server.url, clock=clock, patience=600.0)
        batch = await made(client, lines)
        server.behave(Behaviour(batch_faults={"http_500": 1.0}))
        with pytest.raises(Outage, match=f"batch {batch.id} .* goes on there"):
            await client.wait(batch.id)
    assert 600 < clock() < 800


async def test_a_batch_that_another_key_would_see_is_told_as_gone(http):
    async with ModelServer() as server:
        with pytest.raises(Refused, match=r"is gone .* check the key"):
            await api(http, server.url).wait("batch_9")


async def test_a_server_that_only_fails_is_told_with_its_error(http, lines):
    async with ModelServer(Behaviour(batch_faults={"http_500": 1.0})) as server:
        with pytest.raises(Outage, match=r"could not be used: the server had an error \(HTTP 500\); resume"):
            await made(api(http, server.url), lines)


async def test_cancelling_twice_is_fine(http, lines):
    async with ModelServer(Behaviour(batch_seconds=60.0)) as server:
        client = api(http, server.url)
        batch = await made(client, lines)
        await client.cancel(batch.id)
        await client.cancel(batch.id)
        assert (await client.get(batch.id)).status == "cancelling"
        assert server.stats().batches_cancelled == 1


async def test_a_failed_batch_says_why(http, tmp_path):
    path = tmp_path / "lines"
    path.write_text("no json\n" + LINE)
    async with ModelServer() as server:
        client = api(http, server.url)
        batch = await client.wait((await made(client, path)).id)
    assert batch.status == "failed"
    assert batch.told.startswith("line 1: This line is not parseable as valid JSON")


async def test_a_file_that_cannot_be_written_is_not_taken_for_a_lost_connection(http, lines, tmp_path):
    clock = Clock()
    async with ModelServer() as server:
        client = api(http, server.url, clock=clock)
        file_id = await client.upload(lines, name="l.jsonl", boundary="penstock-x")
        with pytest.raises(DeliveryError, match="cannot be written: No such file or directory; make room"):
            await client.fetch(file_id, tmp_path / "gone" / "back")
    assert clock.slept == []
