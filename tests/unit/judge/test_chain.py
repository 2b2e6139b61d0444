import asyncio
import threading

import anyio
import pytest

from penstock.errors import BadReply, InputError, NoServer, Outage, Refused, Rejected, Unreachable
from penstock.judge.chain import LARGE, Chain, Spent
from penstock.ledger.cache import SqliteCache
from penstock.models.model import Prompt, Reply
from penstock.records import Usage
from penstock.testing import ScriptedModel

pytestmark = pytest.mark.anyio

PROMPT = Prompt(system="s", user="u", schema={"type": "object"}, temperature=0.0, max_tokens=9)
DOWN = Unreachable("no answer within 3 s")


def check(text):
    """A reply is good when it says so."""
    if not text.startswith("good"):
        raise BadReply(f"{text!r} is no good")
    return text.upper()


def again(problem):
    return Prompt(system="s", user=f"u again: {problem}")


def reply(text, **usage):
    return Reply(text=text, model="m", usage=Usage(calls=1, **usage))


@pytest.fixture
async def cache(tmp_path):
    async with SqliteCache(tmp_path / "cache.db") as cache:
        yield cache


def chain(*models, **settings):
    return Chain(models, check=check, **settings)


async def test_the_first_model_answers():
    first, second = ScriptedModel(["good"], name="first"), ScriptedModel([], name="second")
    answer = await chain(first, second).ask(PROMPT, again)
    assert (answer.value, answer.method, answer.note, answer.cached) == ("GOOD", "first", "", False)
    assert first.prompts == [PROMPT]
    assert second.prompts == []


async def test_after_a_bad_reply_the_model_is_asked_again_with_the_reason():
    model = ScriptedModel(["bad", "worse", "good"])
    answer = await chain(model).ask(PROMPT, again)
    assert answer.value == "GOOD"
    assert [prompt.user for prompt in model.prompts] == [
        "u",
        "u again: 'bad' is no good",
        "u again: 'worse' is no good",
    ]


async def test_a_reply_that_is_bad_by_itself_is_asked_again_too():
    model = ScriptedModel([BadReply("the reply is empty"), "good"])
    assert (await chain(model).ask(PROMPT, again)).value == "GOOD"
    assert model.prompts[1].user == "u again: the reply is empty"


async def test_the_fallback_is_asked_when_the_first_model_is_spent_and_the_answer_says_so():
    first, second = ScriptedModel(["bad"] * 2, name="first"), ScriptedModel(["bad", "good"], name="second")
    answer = await chain(first, second, asks=2).ask(PROMPT, again)
    assert (answer.value, answer.method, answer.note) == ("GOOD", "second", "first: 'bad' is no good")
    assert second.prompts[0] == PROMPT


async def test_the_note_tells_of_the_first_model_however_many_failed():
    models = [ScriptedModel([Rejected(f"no {name}")], name=name) for name in "ab"]
    answer = await chain(*models, ScriptedModel(["good"], name="c")).ask(PROMPT, again)
    assert (answer.method, answer.note) == ("c", "a: no a")


@pytest.mark.parametrize("error", [Rejected("declined"), DOWN])
async def test_what_asking_again_does_not_mend_goes_to_the_fallback_at_once(error):
    first = ScriptedModel([error], name="first")
    answer = await chain(first, ScriptedModel(["good"], name="second")).ask(PROMPT, again)
    assert (answer.method, answer.note) == ("second", f"first: {error}")
    assert len(first.prompts) == 1


async def test_when_every_model_is_spent_the_last_error_is_told_with_what_it_all_took():
    first = ScriptedModel([reply("bad", tokens_in=5, tokens_out=1)] * 2, name="first")
    second = ScriptedModel([reply("bad", tokens_in=7, tokens_out=2), Rejected("declined")], name="second")
    with pytest.raises(Spent) as caught:
        await chain(first, second, asks=2).ask(PROMPT, again)
    assert str(caught.value.error) == "declined"
    assert (caught.value.usage.tokens_in, caught.value.usage.tokens_out) == (17, 4)


async def test_an_answer_counts_what_its_bad_replies_took():
    model = ScriptedModel([reply("bad", tokens_in=5, tokens_out=1), reply("good", tokens_in=6, tokens_out=2)])
    answer = await chain(model).ask(PROMPT, again)
    assert answer.usage == Usage(calls=2, tokens_in=11, tokens_out=3)


@pytest.mark.parametrize("error", [Refused("wrong key"), InputError("setting"), ZeroDivisionError()])
async def test_what_is_no_fault_of_the_item_is_raised_as_itself(error, cache):
    with pytest.raises(type(error)) as caught:
        await chain(ScriptedModel([error]), ScriptedModel(["good"]), cache=cache).ask(PROMPT, again)
    assert caught.value is error


@pytest.mark.parametrize("error", [Outage("gone for 300 s"), NoServer("cannot reach it")])
async def test_a_model_that_nobody_answers_for_is_passed_over_for_a_while(error):
    now = [0.0]
    first, second = ScriptedModel([error, error], name="first"), ScriptedModel(["good"] * 4, name="second")
    asking = chain(first, second, clock=lambda: now[0])
    for asked, seconds in ((1, 0), (1, 59), (2, 2)):
        now[0] += seconds
        answer = await asking.ask(PROMPT, again)
        assert (answer.method, answer.note, len(first.prompts)) == ("second", f"first: {error}", asked)


@pytest.mark.parametrize("error", [Outage("gone for 300 s"), NoServer("cannot reach it")])
async def test_without_a_fallback_a_model_that_is_gone_stops_the_run(error):
    with pytest.raises(type(error)):
        await chain(ScriptedModel([error])).ask(PROMPT, again)


async def test_a_failure_counts_the_calls_that_ended_in_errors():
    error = Unreachable("the server had an error")
    error.usage = Usage(calls=5)
    with pytest.raises(Spent) as caught:
        await chain(ScriptedModel([error]), ScriptedModel([Rejected("no")])).ask(PROMPT, again)
    assert caught.value.usage == Usage(calls=6)


async def test_a_remembered_answer_equals_the_first_one(cache):
    first, second = ScriptedModel([Rejected("no")], name="first"), ScriptedModel(["good text"], name="second")
    asking = chain(first, second, cache=cache)
    made = await asking.ask(PROMPT, again)
    found = await asking.ask(PROMPT, again)
    assert (found.value, found.method, found.note) == (made.value, made.method, made.note)
    assert found.cached
    assert not made.cached
    assert found.usage == Usage()
    assert len(second.prompts) == 1


async def test_a_reply_that_failed_is_never_remembered(cache):
    model = ScriptedModel(["bad", "bad", "good"])
    asking = chain(model, cache=cache, asks=1)
    for _ in range(2):
        with pytest.raises(Spent):
            await asking.ask(PROMPT, again)
    assert (await asking.ask(PROMPT, again)).value == "GOOD"
    assert len(model.prompts) == 3


async def test_after_a_bad_reply_the_good_one_is_remembered_under_the_first_question(cache):
    model = ScriptedModel(["bad", "good"])
    asking = chain(model, cache=cache)
    await asking.ask(PROMPT, again)
    assert (await asking.ask(PROMPT, again)).cached


@pytest.mark.parametrize("body", ["no JSON", '{"reply": "no longer accepted", "method": "m"}', '{"other": 1}'])
async def test_a_remembered_answer_that_no_longer_passes_is_asked_for_anew(cache, body):
    model = ScriptedModel(["good"])
    asking = chain(model, cache=cache)
    cache.put(asking.key(PROMPT), body)
    answer = await asking.ask(PROMPT, again)
    assert (answer.value, answer.cached) == ("GOOD", False)
    assert (await asking.ask(PROMPT, again)).cached


async def test_without_a_cache_every_question_is_asked():
    model = ScriptedModel(["good", "good"])
    asking = chain(model)
    for _ in range(2):
        assert not (await asking.ask(PROMPT, again)).cached
    assert len(model.prompts) == 2


class Slow(ScriptedModel):
    """Answers when it is let go."""

    def __init__(self, replies):
        super().__init__(replies)
        self.go = asyncio.Event()
        self.asked = asyncio.Event()

    async def ask(self, prompt):
        answer = await super().ask(prompt)
        self.asked.set()
        await self.go.wait()
        return answer


async def test_equal_questions_at_the_same_time_are_asked_once(cache):
    model = Slow(["good"])
    asking = chain(model, cache=cache)
    waiters = [asyncio.ensure_future(asking.ask(PROMPT, again)) for _ in range(20)]
    await model.asked.wait()
    model.go.set()
    answers = await asyncio.gather(*waiters)
    assert len(model.prompts) == 1
    assert sorted(answer.cached for answer in answers) == [False] + [True] * 19
    assert {answer.value for answer in answers} == {"GOOD"}


async def test_when_the_one_who_asks_fails_the_next_one_asks(cache):
    model = ScriptedModel([Rejected("no"), "good"])
    asking = chain(model, cache=cache)
    first, second = await asyncio.gather(asking.ask(PROMPT, again), asking.ask(PROMPT, again), return_exceptions=True)
    assert isinstance(first, Spent)
    assert second.value == "GOOD"


async def test_when_the_one_who_asks_is_cancelled_the_next_one_asks(cache):
    model = Slow(["good", "good"])
    asking = chain(model, cache=cache)
    first = asyncio.ensure_future(asking.ask(PROMPT, again))
    await model.asked.wait()
    second = asyncio.ensure_future(asking.ask(PROMPT, again))
    await asyncio.sleep(0)
    first.cancel()
    model.go.set()
    assert (await second).value == "GOOD"


async def test_different_questions_do_not_wait_for_each_other(cache):
    model = ScriptedModel(lambda prompt: "good" if prompt.user == "other" else Rejected("no"))
    asking = chain(model, cache=cache)
    key = asking.key(PROMPT)
    asking._asking[key] = asyncio.get_running_loop().create_future()  # somebody asks this for ever
    with anyio.fail_after(10):
        assert (await asking.ask(Prompt(system="s", user="other"), again)).value == "GOOD"


async def test_nothing_is_left_of_the_questions_asked(cache):
    asking = chain(ScriptedModel(["good", Rejected("no")]), cache=cache)
    await asking.ask(PROMPT, again)
    with pytest.raises(Spent):
        await asking.ask(Prompt(system="s", user="other"), again)
    assert asking._asking == {}


async def test_a_large_reply_is_checked_off_the_loop():
    places = []

    def look(text):
        places.append(threading.current_thread() is threading.main_thread())
        return text

    for text in ("small", "l" * LARGE):
        await Chain([ScriptedModel([text])], check=look).ask(PROMPT, again)
    assert places == [True, False]


async def test_a_large_reply_that_fails_its_check_is_a_bad_reply_too():
    with pytest.raises(Spent, match="is no good"):
        await chain(ScriptedModel(["b" * LARGE]), asks=1).ask(PROMPT, again)


async def test_a_check_that_hangs_is_cut_off():
    over = threading.Event()

    def hang(text):
        over.wait(30)
        return text

    with pytest.raises(Spent, match=f"the reply of {LARGE} characters could not be checked in time"):
        await Chain([ScriptedModel(["l" * LARGE])], check=hang, asks=1, check_timeout=0.05).ask(PROMPT, again)
    over.set()
