"""What every cache does, whatever it is made of."""

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledgers import CACHES, Clock
from penstock.ledger.cache import CacheStats

pytestmark = pytest.mark.anyio


@pytest.fixture(params=CACHES)
def opening(request, tmp_path):
    """Opens one more connection to the same cache."""
    return lambda **settings: CACHES[request.param](tmp_path, **settings)


async def fill(cache, keys, clock=None):
    """Put one answer after the other, each at a time of its own."""
    for key in keys:
        if clock is not None:
            clock.now += 1
        cache.put(key, f"answer {key}")
        await cache.flush()


async def present(cache, keys):
    await cache.flush()
    return [key for key in keys if await cache.get(key) is not None]


async def test_an_answer_is_found_under_its_key_alone(opening):
    async with opening() as cache:
        cache.put("a", '{"reply":"ü \\u0000 \\""}')
        assert await cache.get("a") == '{"reply":"ü \\u0000 \\""}'
        assert await cache.get("b") is None


async def test_an_answer_takes_the_place_of_an_earlier_one(opening):
    async with opening() as cache:
        await fill(cache, ["a"])
        cache.put("a", "another")
        assert await cache.get("a") == "another"


async def test_answers_outlive_the_connection(opening):
    async with opening() as cache:
        for number in range(50):
            cache.put(str(number), f"answer {number}")
    async with opening() as cache:
        assert [await cache.get(str(number)) for number in range(50)] == [f"answer {number}" for number in range(50)]


async def test_an_answer_is_good_for_its_time_and_no_longer(opening):
    clock = Clock()
    async with opening(ttl=60.0, clock=clock) as cache:
        await fill(cache, ["a"])
        clock.now += 59.999
        assert await cache.get("a") == "answer a"
        clock.now += 0.001
        assert await cache.get("a") is None


async def test_an_answer_that_is_put_again_is_young_again(opening):
    clock = Clock()
    async with opening(ttl=60.0, clock=clock) as cache:
        await fill(cache, ["a"])
        clock.now += 50
        await fill(cache, ["a"])
        clock.now += 50
        assert await cache.get("a") == "answer a"


async def test_no_more_than_the_limit_is_kept_and_the_oldest_go_first(opening):
    clock = Clock()
    keys = [str(number) for number in range(30)]
    async with opening(entries=10, clock=clock) as cache:
        await fill(cache, keys, clock)
        assert await present(cache, keys) == keys[-10:]


async def test_the_limit_holds_for_answers_of_one_moment_too(opening):
    keys = [str(number) for number in range(25)]
    async with opening(entries=10, clock=Clock()) as cache:
        for key in keys:
            cache.put(key, key)
        assert await present(cache, keys) == keys[-10:]


@pytest.mark.parametrize("puts", [12, 15, 19, 40])
async def test_the_limit_holds_when_two_connections_fill_one_cache(opening, puts):
    clock = Clock()
    keys = [str(number) for number in range(puts)]
    async with opening(entries=10, clock=clock) as one, opening(entries=10, clock=clock) as other:
        for key in keys:
            await fill(one if int(key) % 2 else other, [key], clock)
        assert await present(one, keys) == keys[-10:]


async def test_an_answer_that_is_too_old_makes_room(opening):
    clock = Clock()
    async with opening(entries=3, ttl=10.0, clock=clock) as cache:
        await fill(cache, ["a", "b", "c"], clock)
        clock.now += 9
        await fill(cache, ["d"])
        assert await present(cache, "abcd") == ["c", "d"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 4)), min_size=1, max_size=30), st.integers(1, 5))
def test_a_cache_keeps_what_a_list_of_the_youngest_would_keep(opening, puts, entries):
    async def kept():
        clock = Clock()
        expected = {}
        async with opening(entries=entries, ttl=20.0, clock=clock) as cache:
            for key in "abcdef":
                cache.put(key, "old")
            await cache.flush()
            clock.now += 1000
            for key, wait in puts:
                clock.now += wait
                expected.pop(key, None)
                expected[key] = clock.now
                await fill(cache, [key])
            young = [key for key in list(expected)[-entries:] if clock.now - expected[key] < 20]
            return sorted(young), await present(cache, "abcdef")

    expected, found = anyio.run(kept)
    assert found == expected


async def test_hits_and_misses_are_counted(opening):
    async with opening() as cache:
        assert cache.stats == CacheStats(hits=0, misses=0)
        assert cache.stats.hit_rate == 0.0
        await cache.get("a")
        cache.put("a", "answer")
        for _ in range(3):
            await cache.get("a")
        assert cache.stats == CacheStats(hits=3, misses=1)
        assert cache.stats.hit_rate == 0.75


async def test_many_tasks_may_look_at_once(opening):
    found = {}

    async def look(cache, key):
        found[key] = await cache.get(key)

    async with opening() as cache:
        await fill(cache, ["1", "3"])
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(look, cache, str(number))
    assert {key for key, body in found.items() if body} == {"1", "3"}
