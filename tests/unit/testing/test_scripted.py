import asyncio

import pytest

from penstock.errors import JobError, Throttled
from penstock.models.model import Prompt, Reply
from penstock.testing import ScriptedModel


def ask(model, *users):
    async def each():
        return [await model.ask(Prompt(system="s", user=user)) for user in users]

    return asyncio.run(each())


def test_lines_come_in_order_and_the_prompts_are_kept():
    model = ScriptedModel(["one", "two"])
    assert [reply.text for reply in ask(model, "a", "b")] == ["one", "two"]
    assert [prompt.user for prompt in model.prompts] == ["a", "b"]


def test_a_function_may_answer():
    assert ask(ScriptedModel(lambda prompt: prompt.user.upper()), "a")[0].text == "A"


def test_a_whole_reply_is_given_as_it_is():
    reply = Reply(text="x", model="other")
    assert ask(ScriptedModel([reply]), "a") == [reply]


def test_an_exception_in_the_script_is_raised_and_the_script_goes_on():
    model = ScriptedModel([Throttled("slow down"), "two"])
    with pytest.raises(Throttled):
        ask(model, "a")
    assert ask(model, "a")[0].text == "two"


def test_replies_say_the_models_name():
    model = ScriptedModel(["x"], name="small")
    assert (ask(model, "a")[0].model, model.identity) == ("small", "small")


def test_one_string_is_one_line():
    assert ask(ScriptedModel("hello"), "a")[0].text == "hello"


def test_a_script_at_its_end_says_so():
    with pytest.raises(JobError, match="once more than it has lines"):
        ask(ScriptedModel([]), "a")
