"""Models of one chain, each with settings of its own."""

import pytest

from penstock.judge.chain import Chain
from penstock.models import ModelSpec, Prompt, Session
from penstock.models.own import Own
from penstock.testing import ScriptedModel

pytestmark = pytest.mark.anyio

PROMPT = Prompt(system="s", user="u", temperature=0.0, max_tokens=9, draw=2)


async def test_the_models_own_settings_count_in_the_place_of_the_prompts():
    model = ScriptedModel(["yes"])
    reply = await Own(model, temperature=None, max_tokens=500).ask(PROMPT)
    assert reply.text == "yes"
    (asked,) = model.prompts
    assert (asked.temperature, asked.max_tokens) == (None, 500)
    assert (asked.system, asked.user, asked.draw) == ("s", "u", 2)


def test_settings_that_change_answers_are_part_of_who_answers():
    def identity(**settings):
        return Own(ScriptedModel([], name="m"), **{"temperature": 0.0, "max_tokens": None, **settings}).identity

    kinds = [identity(), identity(temperature=0.5), identity(temperature=None), identity(max_tokens=9)]
    assert len(set(kinds)) == 4
    assert all("m" in kind for kind in kinds)


async def test_a_fallback_is_asked_with_its_own_settings():
    first, second = ScriptedModel(["no"]), ScriptedModel(["yes"])

    def check(text):
        return {"yes": 1.0}[text]

    models = [Own(first, temperature=0.0, max_tokens=9), Own(second, temperature=None, max_tokens=500)]
    answer = await Chain(models, check=translated(check), asks=1).ask(PROMPT, lambda problem: PROMPT)
    assert answer.value == 1.0
    assert [(one.temperature, one.max_tokens) for one in first.prompts + second.prompts] == [(0.0, 9), (None, 500)]


def translated(check):
    from penstock.errors import BadReply

    def checked(text):
        try:
            return check(text)
        except KeyError:
            raise BadReply("no score") from None

    return checked


async def test_a_session_leaves_the_settings_to_the_prompt_unless_told_otherwise():
    spec = ModelSpec(name="openai/m", base_url="http://127.0.0.1:1/v1", temperature=0.5).settled({})
    async with Session() as session:
        assert "temperature" not in session.model(spec).identity
        assert "temperature=0.5 max_tokens=None" in session.model(spec, own_settings=True).identity
