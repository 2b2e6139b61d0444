"""The client of embedding servers against the test server, and against servers that misbehave."""

import base64
import random
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from penstock.errors import BudgetSpent, NoServer, Refused, Rejected, Throttled, Unreachable
from penstock.flow.gate import Gate
from penstock.flow.pace import Pace
from penstock.flow.retry import Backoff
from penstock.judge.anchored import AnchoredPrompt, Anchoring, read_analyses
from penstock.judge.category import Category
from penstock.models.embedding_calls import LARGE
from penstock.models.embeddings import LONGEST, MOST_TEXTS, OpenAIEmbedder
from penstock.models.gathered import Gathered
from penstock.models.openai import OpenAIModel
from penstock.models.prices import Price
from penstock.models.purse import Purse
from penstock.records import Usage
from penstock.testing import Behaviour, ModelServer, expected_analyses
from penstock.testing.embeddings import expected_embedding
from penstock.web.transport import HttpTransport
from wires import answering

pytestmark = pytest.mark.anyio

KEY = "sk-a-very-secret-key"
SOON = Backoff(attempts=4, base=0.001, cap=0.002)


@asynccontextmanager
async def serving(behaviour=None, **settings):
    """The test server, and an embedder that asks it."""
    async with ModelServer(behaviour) as server, HttpTransport() as http:
        yield server, OpenAIEmbedder("m", http=http, base_url=server.url, **{"timeout": 10.0, **settings})


@asynccontextmanager
async def told(*answers, **settings):
    """A server that gives these answers, and an embedder that asks it."""
    async with answering(*answers) as wire, HttpTransport() as http:
        yield wire, OpenAIEmbedder("m", http=http, base_url=f"{wire.url}/v1/", **{"timeout": 10.0, **settings})


def paced(**more):
    return {"gate": Gate(Pace()), "backoff": SOON, "rng": random.Random(1), **more}


def listed(*vectors, **more):
    data = [{"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(vectors)]
    return {"object": "list", "data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}, **more}


async def test_texts_come_back_as_their_vectors_in_their_order():
    texts = ["the boat was late", "fares", "선원이 친절했다"]
    async with serving() as (_, embedder):
        embedded = await embedder.embed(texts)
    assert embedded.vectors.tolist() == [expected_embedding(text) for text in texts]
    assert embedded.usage.calls == 1
    assert embedded.usage.tokens_in > 0


async def test_more_texts_than_a_call_takes_become_several_calls():
    texts = [f"text {number}" for number in range(2 * MOST_TEXTS + 1)]
    async with serving() as (server, embedder):
        embedded = await embedder.embed(texts)
    assert embedded.usage.calls == server.stats().received == 3
    assert embedded.vectors[-1].tolist() == expected_embedding(texts[-1])


async def test_the_request_is_what_the_api_page_says():
    async with told((200, listed([0.0, 1.0], [1.0, 0.0])), key=KEY, dimensions=2) as (wire, embedder):
        await embedder.embed(["a", "b \ud800"])
    asked = wire.asked[0]
    assert asked.path == "/v1/embeddings"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body == {"model": "m", "input": ["a", "b ?"], "encoding_format": "float", "dimensions": 2}


async def test_vectors_are_put_in_order_by_their_index():
    answer = listed([1, 0], [0, 1])
    answer["data"].reverse()
    async with told((200, answer)) as (_, embedder):
        assert (await embedder.embed(["a", "b"])).vectors.tolist() == [[1, 0], [0, 1]]


async def test_vectors_without_an_index_are_taken_in_their_order():
    answer = {"data": [{"embedding": [1, 0]}, {"embedding": [0, 1]}]}
    async with told((200, answer)) as (_, embedder):
        embedded = await embedder.embed(["a", "b"])
    assert embedded.vectors.tolist() == [[1, 0], [0, 1]]
    assert embedded.usage == Usage(calls=1)


async def test_vectors_in_base64_are_read_as_well():
    vector = np.array([0.25, -1.5], "<f4")
    async with told((200, listed(base64.b64encode(vector.tobytes()).decode()))) as (_, embedder):
        assert (await embedder.embed(["a"])).vectors.tolist() == [[0.25, -1.5]]


async def test_a_large_answer_is_read_too():
    vectors = np.random.default_rng(1).standard_normal((MOST_TEXTS, 4096))
    answer = listed(*vectors.tolist())
    assert len(str(answer)) > 8 * 2**20 > LARGE
    async with told((200, answer)) as (_, embedder):
        assert np.array_equal((await embedder.embed(["a"] * MOST_TEXTS)).vectors, vectors.astype(np.float32))


async def test_a_server_that_knows_no_encoding_format_is_asked_without():
    refused = (400, {"error": {"message": "Unknown field: encoding_format"}})
    async with told(refused, (200, listed([1.0])), (200, listed([2.0]))) as (wire, embedder):
        assert (await embedder.embed(["a"])).vectors.tolist() == [[1.0]]
        assert (await embedder.embed(["b"])).vectors.tolist() == [[2.0]]
    assert ["encoding_format" in asked.body for asked in wire.asked] == [True, False, False]


class Together(HttpTransport):
    """Holds back every refusal until the second one has come."""

    def __init__(self):
        super().__init__()
        self.refused = 0
        self.both = anyio.Event()

    async def send(self, *args, **more):
        answer = await super().send(*args, **more)
        if answer.status == 400:
            self.refused += 1
            if self.refused == 2:
                self.both.set()
            await self.both.wait()
        return answer


async def test_calls_that_learn_of_the_encoding_format_at_once_are_both_answered():
    refused = (400, {"error": {"message": "Unknown field: encoding_format"}})
    found = []

    async def ask(embedder, text):
        found.append((await embedder.embed([text])).vectors.tolist())

    async with answering(refused, refused, (200, listed([1.0]))) as wire, Together() as http:
        embedder = OpenAIEmbedder("m", http=http, base_url=wire.url)
        async with anyio.create_task_group() as group:
            group.start_soon(ask, embedder, "a")
            group.start_soon(ask, embedder, "b")
    assert found == [[[1.0]], [[1.0]]]


async def test_a_long_text_is_the_mean_of_its_pieces():
    long = "a" * LONGEST + "b" * (LONGEST // 2)
    async with told((200, listed([2.0, 0.0], [0.0, 3.0], [5.0, 0.0]))) as (wire, embedder):
        embedded = await embedder.embed([long, "short"])
    assert [len(text) for text in wire.asked[0].body["input"]] == [LONGEST, LONGEST // 2, 5]
    direction = embedded.vectors[0] / embedded.vectors[0].max()
    assert direction.tolist() == [1.0, 0.5]
    assert embedded.vectors.shape == (2, 2)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "was not a list of embeddings"),
        (b"<html>", "was not a list of embeddings"),
        (b"\xff", "was not a list of embeddings"),
        ({}, "was not a list of embeddings"),
        ({"error": {"message": "overloaded"}}, "was not a list of embeddings"),
        (listed([1.0, None], [0.0, 1.0]), "was not a list of embeddings"),
        (listed([1.0]), "1 for 2 texts"),
        (listed([1.0], [1.0], [1.0]), "3 for 2 texts"),
        ({"data": [{"embedding": [1.0], "index": 0}] * 2}, "their numbers are not those of the texts"),
        ({"data": [{"embedding": [1.0], "index": 1}, {"embedding": [1.0]}]}, "not those of the texts"),
        (listed([1.0], [1.0, 2.0]), "cannot be used"),
        (listed([], []), "not all are finite"),
        (listed([1e39], [1.0]), "not all are finite"),
        (listed("%%%", "%%%"), "one is no base64"),
        (listed("AAA=", "AAA="), "cannot be used"),
        (listed("AADAfw==", "AADAfw=="), "not all are finite"),  # NaN
    ],
)
async def test_an_answer_that_is_no_list_of_vectors_is_refused_and_asked_for_again(answer, problem):
    async with told((200, answer)) as (_, embedder):
        with pytest.raises(Unreachable, match=problem):
            await embedder.embed(["a", "b"])
    async with told((200, answer), (200, listed([1.0], [2.0])), **paced()) as (_, embedder):
        assert (await embedder.embed(["a", "b"])).vectors.tolist() == [[1.0], [2.0]]


async def test_vectors_that_change_their_length_are_refused():
    async with told((200, listed([1.0, 0.0])), (200, listed([1.0]))) as (_, embedder):
        await embedder.embed(["a"])
        with pytest.raises(Unreachable, match="vectors of 1 numbers, and of 2 before"):
            await embedder.embed(["b"])


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, Rejected, "turned the prompt down"),
        (401, Refused, "check the key"),
        (403, Refused, "check the key"),
        (404, Refused, "check the model's name and the base URL"),
        (429, Throttled, "fewer calls"),
        (500, Unreachable, "HTTP 500"),
    ],
)
async def test_a_status_becomes_the_error_that_says_what_to_do(status, kind, words):
    async with told((status, {"error": {"message": f"no, {KEY}"}}), key=KEY) as (_, embedder):
        with pytest.raises(kind, match=words) as caught:
            await embedder.embed(["a"])
    assert KEY not in repr(caught.value)


async def test_a_used_up_quota_is_not_waited_for():
    spent = (429, {"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}})
    async with told(spent, **paced()) as (wire, embedder):
        with pytest.raises(Refused, match="quota"):
            await embedder.embed(["a"])
    assert len(wire.asked) == 1


async def test_a_model_that_embeds_nothing_stops_the_run_instead_of_failing_every_row():
    problems = []

    async def one(gathered, text):
        try:
            await gathered.embed([text])
        except (Rejected, Refused) as error:
            problems.append(error)

    refusal = (400, {"error": {"message": "m is no embedding model"}})
    async with told(refusal) as (_, embedder), anyio.create_task_group() as tasks:
        gathered = Gathered(embedder)
        for number in range(100):
            tasks.start_soon(one, gathered, str(number))
    refused = [problem for problem in problems if isinstance(problem, Refused)]
    assert "m is no embedding model" in str(refused[0])
    assert len(refused) > 50


async def test_refusals_and_errors_are_waited_out():
    behaviour = Behaviour(faults={"http_500": 0.2, "drop": 0.1, "truncated_body": 0.2})
    async with serving(behaviour, **paced(backoff=Backoff(attempts=50, base=0.001, cap=0.002))) as (server, embedder):
        for number in range(30):
            embedded = await embedder.embed([f"text {number}"])
            assert embedded.vectors[0].tolist() == expected_embedding(f"text {number}")
        assert server.stats().received > 30


async def test_a_refusal_for_asking_too_often_costs_no_attempt():
    busy = (429, {"error": {"message": "slow down"}}, {"Retry-After": "0"})
    async with told(*[busy] * 3, (200, listed([1.0])), **paced(backoff=Backoff(attempts=1))) as (_, embedder):
        embedded = await embedder.embed(["a"])
    assert embedded.usage == Usage(calls=4, tokens_in=7)


async def test_nobody_at_the_address_is_said_in_one_sentence():
    async with HttpTransport() as http:
        embedder = OpenAIEmbedder("m", http=http, base_url="http://127.0.0.1:9/v1", **paced())
        with pytest.raises(NoServer, match=r"Cannot reach openai/m@http://127\.0\.0\.1:9/v1"):
            await embedder.embed(["a"])


async def test_tokens_cost_money_and_a_spent_budget_stops():
    price = Price(usd_in=1_000.0, usd_out=0.0)
    purse = Purse(0.01)
    async with serving(price=price, purse=purse, **paced()) as (server, embedder):
        embedded = await embedder.embed(["the boat was late"])
        assert embedded.usage.cost_usd == pytest.approx(embedded.usage.tokens_in / 1_000)
        assert purse.spent_usd == pytest.approx(embedded.usage.cost_usd)
        with pytest.raises(BudgetSpent):
            await embedder.embed(["the boat was late " * 10])
        assert server.stats().received == 1


async def test_rows_that_are_scored_at_the_same_time_share_calls():
    categories = [Category(name="fares"), Category(name="crew"), Category(name="delays")]
    texts = [f"The crew was late {number} times." for number in range(100)]
    async with serving() as (server, embedder), HttpTransport() as http:
        model = OpenAIModel("m", transport=http, base_url=server.url)
        gathered = Gathered(embedder, sleep=lambda _: all_have_come())
        anchoring, ask = Anchoring(categories, gathered), AnchoredPrompt(categories)
        found = {}

        async def all_have_come():
            while len(gathered._open.texts) < len(texts):
                await anyio.lowlevel.checkpoint()

        async def one(text):
            await anchoring.prepare(text)
            analyses = read_analyses((await model.ask(ask(text))).text, 3, judged=text)
            found[text] = await anchoring.details(text, 0, analyses)

        async with anyio.create_task_group() as tasks:
            for text in texts:
                tasks.start_soon(one, text)
        assert server.stats().received == 100 + 1 + 1  # answers, categories, texts
    for text in texts:
        assert [f"{cell.anchor}: {cell.rationale}" for cell in found[text]] == expected_analyses(text, 3)
