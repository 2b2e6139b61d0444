import json
from dataclasses import replace

import pytest

from penstock.errors import Outage, Refused, Rejected, Unreachable
from penstock.judge.category import Category
from penstock.judge.numeric import ScorePrompt
from penstock.judge.scorer import ModelJudge
from penstock.ledger.cache import SqliteCache
from penstock.models.openai import OpenAIModel
from penstock.records import Failure, Item, Key, Usage, Verdict
from penstock.testing import ScriptedModel
from penstock.web.transport import Response

pytestmark = pytest.mark.anyio

PRAISE = Category(name="praise", definition="Says something good.", detail="Thanks count.")
COMPLAINT = Category(name="complaint", definition="Says something bad.")
RIGHT = '{"scores": [0.2, 0.91]}'


def item(text="It was good.", row=3, part=0, **more):
    return Item(key=Key(row, part), fields={"text": text}, digest="0123456789abcdef", **more)


async def judged(given, script, *, blocks=((PRAISE, COMPLAINT),), **settings):
    return await ModelJudge(blocks, [ScriptedModel(script, name="openai/m")], **settings).judge(given)


async def test_a_right_reply_becomes_a_verdict_on_the_item():
    verdict = await judged(item(), [RIGHT])
    assert verdict == replace(
        Verdict(key=Key(3), digest="0123456789abcdef", scores=(0.2, 0.91), method="openai/m", usage=Usage(calls=1)),
        seconds=verdict.seconds,
    )


async def test_the_part_of_an_item_names_its_block_of_categories():
    asked = []

    def script(prompt):
        asked.append("praise" in prompt.system)
        return '{"scores": [0.5]}'

    judge = ModelJudge([[PRAISE], [COMPLAINT]], [ScriptedModel(script)])
    for part in (1, 0):
        await judge.judge(item(part=part))
    assert asked == [False, True]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (item(""), "the text is empty"),
        (item(" \n\t\u3000"), "the text is empty"),
        (item("x" * 200_001), "the text has 200001 characters; at most 200000 are judged"),
        (item(problem="row 4 has 3 cells instead of 5"), "row 4 has 3 cells instead of 5"),
        (item(problem="half a character: \ud800"), "half a character: ?"),
    ],
)
async def test_an_item_that_cannot_be_judged_fails_without_a_call(given, reason):
    assert await judged(given, []) == Failure(key=Key(3), digest="0123456789abcdef", code="unfit", reason=reason)


@pytest.mark.parametrize(
    ("script", "code", "later", "status"),
    [
        ([Rejected("declined", status=400)], "rejected", False, 400),
        ([Unreachable("the server had an error", status=503)], "unreachable", True, 503),
        (["nonsense"] * 3, "bad_reply", False, None),
    ],
)
async def test_what_no_model_can_judge_becomes_a_failure_that_says_whether_to_come_back(script, code, later, status):
    failure = await judged(item(), script)
    assert isinstance(failure, Failure)
    assert (failure.key, failure.code, failure.later, failure.status) == (Key(3), code, later, status)
    assert failure.reason


async def test_a_failure_keeps_what_its_replies_took():
    assert (await judged(item(), ["nonsense"] * 3)).usage.calls == 3


@pytest.mark.parametrize("error", [Refused("wrong key"), Outage("gone"), ZeroDivisionError()])
async def test_what_is_no_fault_of_the_item_is_raised(error):
    with pytest.raises(type(error)):
        await judged(item(), [error])


async def test_asking_again_carries_the_reason():
    model = ScriptedModel(['{"scores": [0.5]}', RIGHT])
    await ModelJudge([[PRAISE, COMPLAINT]], [model]).judge(item())
    assert "the reply has 1 scores instead of 2" in model.prompts[1].user


class Wire:
    """A transport that answers every request with the same scores, and counts them."""

    def __init__(self):
        self.requests = []

    async def post(self, url, *, headers, body, timeout):
        request = json.loads(body)
        self.requests.append(request)
        n = request["response_format"]["json_schema"]["schema"]["properties"]["scores"]["minItems"]
        content = json.dumps({"scores": [0.5] * n})
        completion = {"choices": [{"message": {"content": content}}]}
        return Response(status=200, headers={}, body=json.dumps(completion).encode())


USUAL = {
    "text": "It was good.",
    "categories": (PRAISE, COMPLAINT),
    "instructions": "You judge comments.",
    "models": (("m", "http://127.0.0.1:1/v1"), ("other", "http://127.0.0.1:1/v1")),
    "temperature": 0.0,
    "max_tokens": None,
    "asks": 3,
}


async def ask(cache, **changes):
    """Ask with the usual settings but for these; returns the verdict and the requests made for it."""
    settings = {**USUAL, **changes}
    wire = Wire()
    models = [OpenAIModel(name, transport=wire, base_url=url) for name, url in settings["models"]]
    judge = ModelJudge(
        [settings["categories"]],
        models,
        cache=cache,
        instructions=settings["instructions"],
        temperature=settings["temperature"],
        max_tokens=settings["max_tokens"],
        asks=settings["asks"],
    )
    verdict = await judge.judge(item(settings["text"]))
    assert isinstance(verdict, Verdict)
    return verdict, len(wire.requests)


@pytest.fixture
async def cache(tmp_path):
    async with SqliteCache(tmp_path / "cache.db") as cache:
        yield cache


async def test_the_same_question_is_answered_from_the_cache(cache):
    first, calls = await ask(cache)
    second, more = await ask(cache)
    assert (calls, more) == (1, 0)
    assert second.cached
    assert (second.scores, second.method, second.note) == (first.scores, first.method, first.note)


URL = "http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"text": "It was good!"}, id="text"),
        pytest.param({"text": "It was good. "}, id="a space in the text"),
        pytest.param({"categories": (replace(PRAISE, name="Praise"), COMPLAINT)}, id="name of a category"),
        pytest.param({"categories": (replace(PRAISE, definition="Is kind."), COMPLAINT)}, id="definition"),
        pytest.param({"categories": (replace(PRAISE, detail=""), COMPLAINT)}, id="detail"),
        pytest.param({"categories": (COMPLAINT, PRAISE)}, id="order of the categories"),
        pytest.param({"categories": (PRAISE,)}, id="number of categories"),
        pytest.param({"instructions": "You judge reviews."}, id="instructions"),
        pytest.param({"models": (("n", URL), ("other", URL))}, id="name of the model"),
        pytest.param({"models": (("m", "http://127.0.0.1:2/v1"), ("other", URL))}, id="base URL"),
        pytest.param({"models": (("m", URL),)}, id="no fallback"),
        pytest.param({"models": (("m", URL), ("another", URL))}, id="another fallback"),
        pytest.param({"models": (("other", URL), ("m", URL))}, id="order of the models"),
        pytest.param({"temperature": 0.1}, id="temperature"),
        pytest.param({"temperature": None}, id="no temperature"),
        pytest.param({"max_tokens": 100}, id="max_tokens"),
        pytest.param({"asks": 2}, id="asks"),
    ],
)
async def test_everything_that_can_change_an_answer_makes_another_question(cache, change):
    await ask(cache)
    verdict, calls = await ask(cache, **change)
    assert calls == 1
    assert not verdict.cached


async def test_another_schema_makes_another_question(cache):
    judge = ModelJudge([[PRAISE]], [ScriptedModel([])])
    prompt = ScorePrompt([PRAISE])("text")
    key = judge._blocks[0].chain.key
    assert key(prompt) == key(replace(prompt))
    assert key(prompt) != key(replace(prompt, schema={**prompt.schema, "additionalProperties": True}))


async def test_a_failure_is_not_remembered(cache):
    model = ScriptedModel(["nonsense"] * 3 + [RIGHT])
    judge = ModelJudge([[PRAISE, COMPLAINT]], [model], cache=cache)
    assert isinstance(await judge.judge(item()), Failure)
    assert isinstance(await judge.judge(item()), Verdict)
