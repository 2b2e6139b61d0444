"""What a job will take: free answers are told from questions, and questions are foretold from a few that were asked."""

import hashlib

import pytest

from penstock.errors import InputError, Refused
from penstock.judge.category import Category
from penstock.judge.scorer import ModelJudge
from penstock.ledger.cache import SqliteCache
from penstock.models.model import Reply
from penstock.models.prices import Price
from penstock.records import Failure, Item, Key, Usage, Verdict
from penstock.score.preview import Lanes, preview
from penstock.testing import ScriptedModel

pytestmark = pytest.mark.anyio

BLOCKS = ([Category(name="praise"), Category(name="joy")], [Category(name="fear")])
PRICE = Price(usd_in=1.0, usd_out=2.0)


class Texts:
    def __init__(self, texts, parts=1):
        self.texts, self.parts = list(texts), parts

    def rows(self):
        for row, text in enumerate(self.texts):
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            yield [Item(key=Key(row, part), fields={"text": text}, digest=digest) for part in range(self.parts)]


def answer(prompt):
    """Four bytes a token, and ten tokens for each number."""
    n = prompt.schema["properties"]["scores"]["minItems"]
    usage = Usage(calls=1, tokens_in=len(prompt.system + prompt.user) // 4, tokens_out=10 * n)
    return Reply(text=f'{{"scores": {[0.5] * n}}}', model="openai/m", usage=usage)


def texts(count):
    return [f"{number}: {'a word of many ' * (number % 7 + 1)}" for number in range(count)]


@pytest.fixture
async def cache(tmp_path):
    async with SqliteCache(tmp_path / "cache.db") as opened:
        yield opened


def judge(cache=None, script=answer, blocks=BLOCKS[:1], **settings):
    return ModelJudge(blocks, [ScriptedModel(script)], cache=cache, **settings)


async def test_without_asking_every_row_is_a_question():
    found = await preview(Texts(texts(30)), judge())
    assert (found.rows, found.judgements, found.questions, found.asked) == (30, 30, 30, 0)
    assert found.calls.likely == 30
    assert not found.measured


async def test_nothing_is_asked_unless_that_is_wanted():
    scripted = ScriptedModel(answer)
    await preview(Texts(texts(5)), ModelJudge(BLOCKS[:1], [scripted]))
    assert scripted.prompts == []


async def test_rows_that_cannot_be_judged_cost_nothing():
    found = await preview(Texts(["fine", "", "  "], parts=2), judge(blocks=BLOCKS))
    assert (found.rows, found.unfit, found.judgements, found.questions) == (3, 2, 6, 2)


async def test_equal_rows_are_asked_once():
    found = await preview(Texts(["same", "same", "other"], parts=2), judge(blocks=BLOCKS))
    assert (found.equal, found.questions) == (2, 4)


async def test_equal_rows_are_asked_each_where_nothing_is_remembered():
    found = await preview(Texts(["same", "same"]), judge(), remembers=False)
    assert (found.equal, found.questions) == (0, 2)


async def test_what_the_cache_has_is_free(cache):
    own = judge(cache)
    for row in list(Texts(texts(30)).rows())[:12]:
        await own.judge(row[0])
    found = await preview(Texts(texts(30)), own)
    assert (found.remembered, found.questions) == (12, 18)


async def test_what_the_ledger_has_is_free():
    items = [row[0] for row in Texts(texts(3)).rows()]
    done = Verdict(key=Key(0), digest=items[0].digest, scores=(1.0,), method="m")
    stale = Verdict(key=Key(1), digest="another", scores=(1.0,), method="m")
    later = Failure(key=Key(2), digest=items[2].digest, code="unreachable", reason="?", later=True)

    async def known(first, rows):
        return [done, stale, later][first : first + rows]

    found = await preview(Texts(texts(3)), judge(), known=known)
    assert (found.settled, found.questions) == (1, 2)


async def test_asking_tells_what_the_rest_will_take(cache):
    source, own = Texts(texts(200), parts=2), judge(cache, blocks=BLOCKS)
    found = await preview(source, own, ask=20, price=PRICE)
    assert (found.asked, found.questions, found.failed) == (20, 380, 0)
    outcomes = [await own.judge(item) for row in source.rows() for item in row]
    usage = sum((outcome.usage for outcome in outcomes), Usage())
    assert usage.calls == found.calls.low == 380
    assert found.calls.likely == pytest.approx(380, rel=0.02)
    assert found.tokens_in.likely == pytest.approx(usage.tokens_in, rel=0.05)
    assert found.tokens_out.likely == pytest.approx(usage.tokens_out, rel=0.15)
    assert found.cost_usd.likely == pytest.approx(PRICE.cost(usage), rel=0.05)


async def test_what_was_asked_is_told_apart_from_what_is_to_come():
    found = await preview(Texts(texts(40)), judge(), ask=10)
    assert (found.spent.calls, found.asked) == (10, 10)


async def test_where_nothing_is_remembered_what_was_asked_is_asked_again():
    found = await preview(Texts(texts(40)), judge(), ask=10, remembers=False)
    assert found.questions == 40


async def test_every_block_has_its_share_of_what_is_asked():
    scripted = ScriptedModel(answer)
    await preview(Texts(texts(50), parts=2), ModelJudge(BLOCKS, [scripted]), ask=9)
    sizes = [prompt.schema["properties"]["scores"]["minItems"] for prompt in scripted.prompts]
    assert (sizes.count(2), sizes.count(1)) == (5, 4)


async def test_the_same_rows_are_asked_each_time():
    asked = []
    for _ in range(2):
        scripted = ScriptedModel(answer)
        await preview(Texts(texts(50)), ModelJudge(BLOCKS[:1], [scripted]), ask=5)
        asked.append(sorted(prompt.user for prompt in scripted.prompts))
    assert asked[0] == asked[1]


async def test_a_small_table_may_be_answered_whole(cache):
    found = await preview(Texts(texts(5)), judge(cache), ask=20)
    assert (found.asked, found.questions, found.calls.likely, found.tokens_in.high) == (5, 0, 0, 0)


async def test_calls_that_must_be_made_again_are_foretold(cache):
    bad = {}

    def script(prompt):
        own = prompt.user.split("\n")[1]
        bad[own] = bad.get(own, 0) + 1
        return "no JSON" if bad[own] == 1 and len(bad) % 2 else answer(prompt)

    found = await preview(Texts(texts(400)), judge(cache, script), ask=40)
    assert found.calls.low < 1.5 * 360 < found.calls.high


async def test_judgements_that_fail_are_counted_and_still_to_come(cache):
    asked = []

    def mostly_nonsense(prompt):
        asked.append(prompt)
        return answer(prompt) if len(asked) == 1 else "never JSON"

    found = await preview(Texts(texts(10)), judge(cache, mostly_nonsense, asks=2), ask=4)
    assert (found.failed, found.spent.calls, found.questions) == (3, 7, 9)
    assert found.calls.likely > 9


async def test_nothing_is_measured_where_nothing_is_answered(cache):
    with pytest.raises(InputError, match="None of the 4 rows that were asked for got an answer: the reply"):
        await preview(Texts(texts(10)), judge(cache, lambda _: "never JSON"), ask=4)


async def test_samples_are_questions_of_their_own(cache):
    found = await preview(Texts(texts(20)), judge(cache, samples=3), ask=5)
    assert (found.asked, found.spent.calls, found.questions, found.calls.low) == (15, 15, 45, 45)


async def test_without_a_price_no_cost_is_told():
    assert (await preview(Texts(texts(5)), judge(), ask=2)).cost_usd is None


async def test_a_batch_costs_its_share():
    live, batch = [await preview(Texts(texts(50)), judge(), price=PRICE, batch=how) for how in (False, True)]
    assert batch.cost_usd.likely == pytest.approx(live.cost_usd.likely / 2)


async def test_time_is_told_by_an_earlier_job_or_not_at_all():
    assert (await preview(Texts(texts(60)), judge())).seconds is None
    known = await preview(Texts(texts(60)), judge(), lanes=Lanes(rate=3.0))
    assert known.seconds.likely == pytest.approx(20.0)


async def test_an_account_that_is_refused_is_found_out_before_the_job():
    with pytest.raises(Refused):
        await preview(Texts(texts(5)), judge(script=lambda _: Refused("wrong key")), ask=2)


async def test_an_empty_table_takes_nothing():
    found = await preview(Texts([]), judge(), ask=20, price=PRICE)
    assert (found.rows, found.questions, found.calls.high, found.cost_usd.high) == (0, 0, 0, 0)
