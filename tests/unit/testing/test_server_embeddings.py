import base64
import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.testing import Behaviour, expected_embedding
from penstock.testing.desk import Desk
from penstock.testing.wire import Request, Response

TEXTS = st.text(max_size=40)


def ask(given, *, behaviour=None, **more):
    desk = Desk(behaviour or Behaviour())
    body = json.dumps({"model": "e", "input": given, **more}).encode()
    decided = desk.receive(Request(method="POST", path="/v1/embeddings", headers={}, body=body), now=0.0)
    return decided if isinstance(decided, Response) else desk.finish(decided, now=0.0)


def vectors(given, **more):
    return [one["embedding"] for one in json.loads(ask(given, **more).body)["data"]]


def near(a, b):
    return sum(x * y for x, y in zip(expected_embedding(a), expected_embedding(b), strict=True))


@given(TEXTS, st.integers(1, 64))
def test_every_vector_has_length_1(text, dimensions):
    vector = expected_embedding(text, dimensions=dimensions)
    assert len(vector) == dimensions
    assert math.isclose(sum(number * number for number in vector), 1.0, rel_tol=1e-5)


def test_texts_that_share_words_are_nearer_than_texts_that_do_not():
    assert near("the parcel came late", "my parcel is late") > near("the parcel came late", "an excellent soup") + 0.3


def test_the_case_of_words_does_not_matter():
    assert expected_embedding("Late Parcel") == expected_embedding("late parcel")


def test_texts_without_spaces_are_compared_by_their_characters():
    assert near("配送が遅い", "配送が早い") > near("配送が遅い", "料理は最高") + 0.3


@pytest.mark.parametrize("given", ["a b", ["a b"]])
def test_a_text_gets_the_vector_that_was_foretold(given):
    assert vectors(given) == [expected_embedding("a b")]


def test_several_texts_get_their_vectors_in_order():
    answer = json.loads(ask(["a", "b"], dimensions=8).body)
    assert [one["index"] for one in answer["data"]] == [0, 1]
    assert [one["embedding"] for one in answer["data"]] == [expected_embedding(text, dimensions=8) for text in "ab"]
    assert answer["usage"] == {"prompt_tokens": 10, "total_tokens": 10}


def test_tokens_are_words_like_others():
    assert vectors([1, 2]) == [expected_embedding("1 2")]
    assert vectors([[1, 2], [3]]) == [expected_embedding("1 2"), expected_embedding("3")]


def test_base64_holds_the_same_numbers_in_single_precision():
    (written,) = vectors("a b", encoding_format="base64")
    assert list(struct.unpack("<256f", base64.b64decode(written))) == expected_embedding("a b")


@pytest.mark.parametrize("given", ["", [], ["a", ""], 7, None])
def test_nothing_to_embed_is_a_400(given):
    assert ask(given).status == 400


def test_a_fault_of_the_connection_is_met_and_one_of_numbers_is_not():
    assert ask("a", behaviour=Behaviour(faults={"http_500": 1})).status == 500
    assert vectors("a", behaviour=Behaviour(faults={"nan": 1})) == [expected_embedding("a")]
    assert vectors("a", behaviour=Behaviour(faults={"empty": 1})) == []


def test_the_tokens_of_texts_count_against_the_limit():
    assert ask("a" * 400, behaviour=Behaviour(tokens_per_minute=100)).status == 429
    assert ask("a" * 300, behaviour=Behaviour(tokens_per_minute=100)).status == 200
