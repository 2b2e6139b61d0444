"""A model whose calls cost money says what each took, and asks nothing that the budget has no room for."""

import anyio
import pytest

from penstock.errors import BadReply, BudgetSpent, NoConnection, Rejected, Throttled, TimedOut, Unreachable
from penstock.models.model import Prompt, Reply
from penstock.models.priced import Priced
from penstock.models.prices import Price
from penstock.models.purse import Purse
from penstock.models.tokens import reply_tokens
from penstock.records import Usage
from penstock.testing import ScriptedModel

pytestmark = pytest.mark.anyio

PRICE = Price(usd_in=1.0, usd_out=10.0)
PROMPT = Prompt(system="s" * 400, user="u" * 400, max_tokens=100)
TOOK = Usage(calls=1, tokens_in=300_000, tokens_out=20_000)  # half a dollar


def reply(usage=TOOK):
    return Reply(text="yes", model="openai/m", usage=usage)


def priced(script, purse=None):
    return Priced(ScriptedModel(script), PRICE, purse or Purse())


def failed(error, usage=None):
    error.usage = usage
    return error


async def test_a_reply_says_what_it_cost():
    answer = await priced([reply()]).ask(PROMPT)
    assert answer.usage == Usage(calls=1, tokens_in=300_000, tokens_out=20_000, cost_usd=0.5)


async def test_names_stay_those_of_the_model():
    model = priced([])
    assert (model.name, model.identity) == ("scripted", "scripted")


async def test_an_error_says_what_its_call_cost():
    purse = Purse()
    with pytest.raises(BadReply) as caught:
        await priced([failed(BadReply("cut off"), TOOK)], purse).ask(PROMPT)
    assert caught.value.usage.cost_usd == purse.spent_usd == 0.5


@pytest.mark.parametrize(
    "error", [NoConnection("refused"), Throttled("slow"), Unreachable("down", status=503), Rejected("no", status=400)]
)
async def test_a_call_that_the_server_did_not_answer_costs_nothing(error):
    purse = Purse()
    with pytest.raises(type(error)):
        await priced([error], purse).ask(PROMPT)
    assert (purse.spent_usd, purse.in_flight) == (0.0, 0)


@pytest.mark.parametrize("error", [TimedOut("late"), Unreachable("lost"), Unreachable("half", status=200)])
async def test_a_call_that_may_have_been_answered_is_charged_as_estimated(error):
    purse = Purse()
    model = priced([error], purse)
    expected = model.estimate(PROMPT)
    with pytest.raises(type(error)):
        await model.ask(PROMPT)
    assert purse.spent_usd == pytest.approx(expected)
    assert expected > 0


async def test_a_call_that_is_cancelled_on_the_wire_is_charged_as_estimated():
    purse = Purse()

    class Silent(ScriptedModel):
        async def ask(self, prompt):
            await anyio.sleep_forever()

    model = Priced(Silent([]), PRICE, purse)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(model.ask, PROMPT)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert purse.spent_usd == pytest.approx(model.estimate(PROMPT))


async def test_the_first_call_is_estimated_by_its_prompt_and_the_shape_of_its_reply():
    expected = PRICE.of(tokens_in=PROMPT.tokens, tokens_out=reply_tokens(PROMPT))
    assert priced([]).estimate(PROMPT) == pytest.approx(expected)


async def test_estimates_are_learned_from_what_calls_took():
    model = priced([reply(), reply()])
    await model.ask(PROMPT)
    await model.ask(PROMPT)
    assert model.estimate(PROMPT) == pytest.approx(0.5)


async def test_without_money_nothing_is_asked():
    scripted = ScriptedModel([reply()])
    with pytest.raises(BudgetSpent):
        await Priced(scripted, PRICE, Purse(1.0, spent_usd=1.0)).ask(PROMPT)
    assert scripted.prompts == []


async def test_models_that_share_a_purse_spend_from_one_budget():
    purse = Purse(0.9)
    await priced([reply()], purse).ask(PROMPT)
    other = priced([reply()], purse)
    await other.ask(PROMPT)
    with pytest.raises(BudgetSpent):
        await other.ask(PROMPT)


async def test_a_free_model_is_asked_without_end():
    model = Priced(ScriptedModel(lambda _: reply()), Price(usd_in=0.0, usd_out=0.0), Purse(0.01))
    for _ in range(20):
        assert (await model.ask(PROMPT)).usage.cost_usd == 0.0
