"""Few calls for many texts, and none for those remembered."""

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedders import Tallied, vector
from pacing import in_virtual_time
from penstock.errors import BadReply, Refused, Rejected, Throttled, Unreachable
from penstock.ledger.cache import SqliteCache
from penstock.models.embedding_calls import Embedded
from penstock.models.embeddings import MOST_TEXTS, MOST_TOKENS, Cached, batches
from penstock.models.gathered import Gathered, _shared
from penstock.records import Usage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cache(tmp_path):
    async with SqliteCache(tmp_path / "cache.db") as cache:
        yield cache


def together(embedder, texts, *, after=0.0):
    """Embed each text in a task of its own, in virtual time; what each got, by its place."""
    found = {}

    async def one(gathered, place, text):
        await anyio.sleep(place * after)
        try:
            found[place] = await gathered.embed([text])
        except Exception as error:  # noqa: BLE001 - looked at by the test
            found[place] = error

    async def main():
        gathered = Gathered(embedder)
        async with anyio.create_task_group() as tasks:
            for place, text in enumerate(texts):
                tasks.start_soon(one, gathered, place, text)

    in_virtual_time(main)
    return [found[place] for place in range(len(texts))]


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=400))
def test_many_tasks_share_calls_and_each_gets_its_own_vector(texts):
    embedder = Tallied(takes=0.01)
    found = together(embedder, texts)
    assert [each.vectors.tolist() for each in found] == [[vector(text)] for text in texts]
    asked = [text for call in embedder.calls for text in call]
    assert sorted(asked) == sorted(set(texts))
    assert len(embedder.calls) == -(-len(set(texts)) // MOST_TEXTS)


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=30))
def test_what_a_call_took_is_counted_once(texts):
    embedder = Tallied(takes=0.01)
    usage = sum((each.usage for each in together(embedder, texts)), Usage())
    assert usage.tokens_in == 10 * len(set(texts))
    assert usage.calls == len(embedder.calls)
    assert usage.cost_usd == pytest.approx(0.5 * len(embedder.calls))


@given(
    st.integers(0, 10_000),
    st.lists(st.text(min_size=1), min_size=1, max_size=9),
    st.integers(1, 5),
)
def test_shares_of_a_call_add_up(tokens, texts, calls):
    shares = _shared(Usage(calls=calls, tokens_in=tokens, cost_usd=0.1), texts)
    assert sum(share.tokens_in for share in shares) == tokens
    assert sum(share.calls for share in shares) == calls
    assert min(share.tokens_in for share in shares) >= 0


def test_texts_that_come_later_than_the_linger_are_asked_for_apart():
    embedder = Tallied()
    together(embedder, ["a", "b", "c"], after=0.1)
    assert embedder.calls == [["a"], ["b"], ["c"]]


def test_a_text_that_is_being_asked_for_is_not_asked_for_again():
    embedder = Tallied(takes=1.0)
    together(embedder, ["a", "a", "a"], after=0.1)
    assert embedder.calls == [["a"]]


def test_a_text_that_is_turned_down_fails_alone():
    embedder = Tallied(fails=lambda texts: Rejected("too long", status=400) if "bad" in texts else None)
    found = together(embedder, ["a", "b", "bad", "c", "d"])
    assert [str(each) for each in found if isinstance(each, Exception)] == ["too long"]
    assert isinstance(found[2], Rejected)
    assert [len(call) for call in embedder.calls] == [5, 2, 3, 1, 2]


def test_a_server_that_is_away_fails_every_text_for_now():
    def away(_):
        error = Unreachable("no answer", status=500)
        error.usage = Usage(calls=5)
        return error

    found = together(Tallied(fails=away), ["a", "b", "a"])
    assert [str(each) for each in found] == ["no answer"] * 3
    assert sum((each.usage for each in found), Usage()) == Usage(calls=5)
    assert len(set(map(id, found))) == 3


@pytest.mark.parametrize("error", [Refused("the key is wrong"), Throttled("later"), BadReply("odd"), ValueError("bug")])
def test_whatever_goes_wrong_reaches_everybody(error):
    found = together(Tallied(fails=lambda _: type(error)(*error.args)), ["a", "b"])
    assert [type(each) for each in found] == [type(error)] * 2


def test_when_the_one_who_asks_is_cancelled_the_others_ask_anew():
    embedder = Tallied(takes=1.0)
    found = {}

    async def one(gathered, text):
        found[text] = (await gathered.embed([text])).vectors.tolist()

    async def main():
        gathered = Gathered(embedder)
        scope = anyio.CancelScope()

        async def first():
            with scope:
                await one(gathered, "first")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            tasks.start_soon(one, gathered, "second")
            tasks.start_soon(one, gathered, "third")
            await anyio.sleep(0.5)
            scope.cancel()

    in_virtual_time(main)
    assert found == {"second": [vector("second")], "third": [vector("third")]}
    assert embedder.calls == [["first", "second", "third"], ["second", "third"]]


def test_when_the_one_who_waits_is_cancelled_the_others_are_not_forgotten():
    embedder = Tallied()
    found = []

    async def main():
        gathered = Gathered(embedder)
        scope = anyio.CancelScope()

        async def first():
            with scope:
                await gathered.embed(["first"])

        async def second():
            found.append((await gathered.embed(["second"])).vectors.tolist())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            tasks.start_soon(second)
            await anyio.sleep(0.001)
            scope.cancel()

    in_virtual_time(main)
    assert found == [[vector("second")]]
    assert embedder.calls == [["second"]]


async def test_several_texts_of_one_task_go_through_as_they_are():
    embedder = Tallied()
    embedded = await Gathered(embedder).embed(["a", "bb"])
    assert embedded.vectors.tolist() == [vector("a"), vector("bb")]
    assert embedder.calls == [["a", "bb"]]


@given(st.lists(st.integers(1, 60_000).map(lambda size: "x" * size), max_size=300))
def test_texts_are_divided_into_calls_that_servers_take(texts):
    calls = list(batches(texts))
    assert [text for call in calls for text in call.texts] == texts
    assert all(len(call.texts) <= MOST_TEXTS for call in calls)
    assert all(call.tokens <= MOST_TOKENS or len(call.texts) == 1 for call in calls)


async def test_a_text_is_asked_for_once_and_then_remembered(cache):
    embedder = Tallied()
    first = await Cached(embedder, cache).embed(["a", "bb", "a"])
    again = await Cached(embedder, cache).embed(["bb", "ccc", "a"])
    assert embedder.calls == [["a", "bb"], ["ccc"]]
    assert first.vectors.tolist() == [vector("a"), vector("bb"), vector("a")]
    assert again.vectors.tolist() == [vector("bb"), vector("ccc"), vector("a")]
    assert (await Cached(embedder, cache).embed(["a"])).usage == Usage()


async def test_another_embedder_does_not_get_its_vectors(cache):
    other = Tallied(identity="tallied-2")
    await Cached(Tallied(), cache).embed(["a"])
    await Cached(other, cache).embed(["a"])
    assert other.calls == [["a"]]


async def test_a_vector_is_remembered_to_the_last_bit(cache):
    class Random(Tallied):
        async def embed(self, texts, /):
            numbers = np.random.default_rng(1).standard_normal((len(texts), 300))
            return Embedded(vectors=np.float32(10.0 ** (7 * numbers)))

    texts = [str(number) for number in range(50)]
    first, second = [(await Cached(Random(), cache).embed(texts)).vectors for _ in range(2)]
    assert np.array_equal(first, second)
    assert cache.stats.hits == 50


@pytest.mark.parametrize("body", ["", "no base64!", "AAA=", "AADAfw==", '{"reply": "x"}'])
async def test_what_the_cache_holds_and_is_no_vector_is_asked_for_again(body, cache):
    cached = Cached(Tallied(), cache)
    cache.put(cached._key("a"), body)
    assert (await cached.embed(["a"])).vectors.tolist() == [vector("a")]
