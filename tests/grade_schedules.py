"""Random schedules of faults for batches of answers, and what must hold whatever happens.

A schedule is drawn from its number alone: a few answers, a grader with some settings, and models that fail in some of
the ways in which models fail. `play` runs one in virtual time and checks every mark against what the models really
said. What must hold: every answer ends in one state and in its place; a score is what accepted credits add up to, or
the offline grader's own, or there is none; whoever fails says why; a batch that is cancelled leaves nothing running.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pacing import in_virtual_time
from penstock.errors import (
    BadReply,
    NoConnection,
    NoServer,
    Outage,
    Refused,
    Rejected,
    Throttled,
    TimedOut,
    Unreachable,
)
from penstock.flow.gate import Gate
from penstock.flow.pace import Pace
from penstock.flow.retry import Backoff
from penstock.grade import Answer, Criterion, Grader, Rubric
from penstock.grade.guarded import Guarded
from penstock.grade.marking import exercise_of
from penstock.grade.offline import OfflineGrader
from penstock.models.model import Reply
from penstock.models.paced import Paced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from penstock.grade import Batch, Mark
    from penstock.models.model import Model, Prompt

OFFLINE = OfflineGrader()
MAX_SPREAD = 25.0
SECONDS = 20.0
"""Virtual seconds after which a model's caller gives up."""

_RAISED: Mapping[str, Callable[[], BaseException]] = {
    "timed out": lambda: TimedOut("no answer within 20 s"),
    "timeout": TimeoutError,
    "cancelled": asyncio.CancelledError,
    "429": lambda: Throttled("the server asked for fewer calls (HTTP 429)", retry_after=1.0),
    "500": lambda: Unreachable("the server had an error (HTTP 500)", status=500),
    "503": lambda: Unreachable("the server had an error (HTTP 503)", status=503),
    "dropped": lambda: Unreachable("the connection failed: reset by peer"),
    "no connection": lambda: NoConnection("the connection failed: refused"),
    "no server": lambda: NoServer("Cannot reach it; is the server running?"),
    "outage": lambda: Outage("It gave no good answer for 300 s."),
    "key": lambda: Refused("The key is wrong; check the key."),
    "declined": lambda: Rejected("the model declined to answer", status=200),
    "cut off": lambda: BadReply("the reply was cut off at the token limit"),
    "ValueError": lambda: ValueError("no such thing"),
    "RuntimeError": lambda: RuntimeError("broken"),
    "KeyError": lambda: KeyError("choices"),
    "OSError": lambda: ConnectionResetError("reset"),
}
_SPOILED: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "prose": lambda _: "I like this answer: 100 points.",
    "nothing": lambda _: "",
    "no JSON": lambda reply: json.dumps(reply)[:-9],
    "two objects": lambda reply: f"{json.dumps(reply)} or {json.dumps({**reply, 'feedback': 'No.'})}",
    "one too few": lambda reply: json.dumps({**reply, "credits": reply["credits"][1:]}),
    "one too many": lambda reply: json.dumps({**reply, "credits": [*reply["credits"], 1]}),
    "NaN": lambda reply: json.dumps({**reply, "credits": [math.nan] * len(reply["credits"])}),
    "infinite": lambda reply: json.dumps(reply).replace('"credits": [', '"credits": [1e999, ', 1),
    "a word": lambda reply: json.dumps({**reply, "credits": ["full"] * len(reply["credits"])}),
    "a number as text": lambda reply: json.dumps({**reply, "credits": ["1.0"] * len(reply["credits"])}),
    "true": lambda reply: json.dumps({**reply, "credits": [True] * len(reply["credits"])}),
    "out of range": lambda reply: json.dumps({**reply, "credits": [100] * len(reply["credits"])}),
    "negative": lambda reply: json.dumps({**reply, "credits": [-0.5] * len(reply["credits"])}),
    "no credits": lambda reply: json.dumps({**reply, "credits": None, "score": 100}),
    "reasons missing": lambda reply: json.dumps({**reply, "reasons": []}),
    "explanation missing": lambda reply: json.dumps({**reply, "explanation": None}),
}
_ODD: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "in a code block": lambda reply: f"Sure:\n```json\n{reply}\n```\nAnything else?",
    "among words": lambda reply: f"My verdict is {reply}, all in all.",
    "in a list": lambda reply: f"[{reply}]",
    "with a total": lambda reply: reply.replace("{", '{"score": 100, "is_correct": true, ', 1),
}
"""Ways to write a reply that is to be accepted."""

_SHARED = {"no server", "outage", "no connection"}
"""Faults that are about the model itself: it is not asked again for a while."""

FAULTS = ("hang", *_RAISED, *_SPOILED)


class Flawed:
    """A model that draws each reply by lot, and remembers what it was asked and what it said.

    Attributes:
        in_flight: Calls that have begun and not ended.
        calls: How often each answer was asked about.
        met: The faults that calls for each answer met.
        accepted: The credits in the good replies for each answer.
    """

    def __init__(self, name: str, rng: random.Random, faults: Sequence[str], share: float) -> None:
        self.name = self.identity = name
        self._rng = rng
        self._faults = faults
        self._share = share
        self.in_flight = 0
        self.calls: Counter[str] = Counter()
        self.met: defaultdict[str, set[str]] = defaultdict(set)
        self.accepted: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)

    async def ask(self, prompt: Prompt, /) -> Reply:
        """Wait, then fail or answer."""
        text = json.loads(prompt.user.split("\n")[1])["text"]
        self.calls[text] += 1
        self.in_flight += 1
        try:
            await asyncio.sleep(self._rng.choice((0.001, 0.3, 1.0)))
            return Reply(text=await self._said(text, n=prompt.schema["properties"]["credits"]["minItems"]), model="m")
        finally:
            self.in_flight -= 1

    async def _said(self, text: str, n: int) -> str:
        fault = self._rng.choice(self._faults) if self._rng.random() < self._share else ""
        credits_given = [self._rng.choice((0, 0.25, 0.5, 0.75, 1.0)) for _ in range(n)]
        reply = {"reasons": ["because"] * n, "credits": credits_given, "explanation": "So.", "feedback": "Well."}
        if fault:
            self.met[text].add(fault)
        if fault == "hang":
            async with asyncio.timeout(SECONDS):
                await asyncio.sleep(1_000)
        if fault in _RAISED:
            error = _RAISED[fault]()
            raise error
        if fault:
            return _SPOILED[fault](reply)
        self.accepted[text].append(tuple(map(float, credits_given)))
        return _ODD[self._rng.choice(tuple(_ODD))](json.dumps(reply))


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A batch, its grader's settings and its models, all drawn from one number.

    Attributes:
        given: The answers.
        settings: Of the grader.
        models: The first one and perhaps a fallback.
        is_paced: Whether the models stand behind a pace that tries again.
        cancelled_after: Virtual seconds after which the batch is cancelled; None: never.
    """

    given: tuple[dict[str, Any], ...]
    settings: dict[str, Any]
    models: tuple[Flawed, ...]
    is_paced: bool
    cancelled_after: float | None
    rng: random.Random = field(repr=False)


def drawn(seed: int) -> Schedule:
    """Draw the schedule of this number."""
    rng = random.Random(seed)
    models = tuple(
        Flawed(name, rng, _faults(rng), rng.choice((0.0, 0.1, 0.3, 0.6, 0.9, 1.0)))
        for name in ("first", "second")[: rng.choice((1, 1, 2))]
    )
    return Schedule(
        given=tuple(_answer(number, rng) for number in range(rng.randint(1, 8))),
        settings={
            "samples": rng.choice((1, 1, 1, 2, 3, 5)),
            "asks": rng.randint(1, 3),
            "concurrency": rng.choice((1, 2, 8)),
            "on_timeout": rng.choice(("offline", "offline", "fail")),
            "review_below": rng.choice((0.0, 0.0, 0.75)),
            "max_spread": MAX_SPREAD,
        },
        models=models,
        is_paced=rng.random() < 0.3,
        cancelled_after=rng.uniform(0, 3) if rng.random() < 0.15 else None,
        rng=rng,
    )


def _faults(rng: random.Random) -> list[str]:
    """Draw some ways to fail; silence, which has the most consequences, more often than the others."""
    return [*rng.sample(FAULTS, rng.randint(1, 5)), *(["hang"] if rng.random() < 0.25 else [])]


def _answer(number: int, rng: random.Random) -> dict[str, Any]:
    """Draw an answer: mostly short ones, some that need no model, some that cannot be marked."""
    weights = (1, *(rng.choice((1, 2, 0.5)) for _ in range(rng.randint(0, 4))), *((-1,) if rng.random() < 0.2 else ()))
    criteria = tuple(Criterion(name=f"idea {place}", weight=weight) for place, weight in enumerate(weights))
    short = {
        "user_id": f"u{number}",
        "question_id": f"q{number}",
        "question_type": "short_answer",
        "user_answer": f"Answer {number}: {rng.choice(('water', 'it', 'the sun'))} goes up into the air",
        "correct_answer": rng.choice(("Water evaporates into the air.", "")),
        "correct_keywords": rng.choice((["water", "air"], ["evaporates"], [])),
        "question": "Where does it go?",
        "rubric": Rubric(criteria=criteria),
    }
    kind = rng.choice((*["short"] * 16, "usual rubric", "blank", "true", "false", "no key", "unknown type", "twice"))
    changes: Mapping[str, dict[str, Any]] = {
        "usual rubric": {"rubric": None},
        "blank": {"user_answer": " \n"},
        "true": {"question_type": "true_false", "user_answer": "yes", "correct_answer": "true"},
        "false": {"question_type": "true_false", "user_answer": "no", "correct_answer": "true"},
        "no key": {"question_type": "multiple_choice", "correct_answer": ""},
        "unknown type": {"question_type": "oral"},
        "twice": {"user_id": "u0", "question_id": "q0"},
    }
    return {**short, **changes.get(kind, {})}


def play(seed: int) -> Counter[str]:
    """Play the schedule of this number and check it; returns how many answers ended in each state.

    Raises:
        AssertionError: Something that must hold did not; the message names the number.
    """
    schedule = drawn(seed)
    return in_virtual_time(lambda: _played(schedule, f"schedule {seed}"))


async def _played(schedule: Schedule, name: str) -> Counter[str]:
    first, *others = _opened(schedule)
    grader = Grader(first, fallback=others, offline=OFFLINE, **schedule.settings)
    found: Counter[str] = Counter()
    if schedule.cancelled_after is not None:
        found["cancelled"] = await _cancelled(grader, schedule, name)
        for model in schedule.models:
            model.calls.clear(), model.met.clear(), model.accepted.clear()
    batch = await grader.mark_all(schedule.given)
    check(batch, schedule.given, name)
    for given, mark in zip(schedule.given, batch.marks, strict=True):
        _check_mark(mark, given, schedule, f"{name}, {mark.user_id}")
    _check_idle(schedule, name)
    return found + Counter(batch.states)


def _opened(schedule: Schedule) -> list[Model]:
    if not schedule.is_paced:
        return list(schedule.models)
    clock = asyncio.get_running_loop().time
    return [
        Paced(Guarded(model), Gate(Pace(), clock=clock), backoff=Backoff(attempts=2), rng=schedule.rng, clock=clock)
        for model in schedule.models
    ]


async def _cancelled(grader: Grader, schedule: Schedule, name: str) -> int:
    batch = asyncio.create_task(grader.mark_all(schedule.given))
    await asyncio.wait([batch], timeout=schedule.cancelled_after)
    batch.cancel()
    await asyncio.wait([batch])
    _check_idle(schedule, name)
    return int(batch.cancelled())


def _check_idle(schedule: Schedule, name: str) -> None:
    assert [model.in_flight for model in schedule.models] == [0] * len(schedule.models), name
    assert asyncio.all_tasks() == {asyncio.current_task()}, name


def check(batch: Batch, given: Sequence[Mapping[str, Any]], name: str) -> None:
    """Check what holds for any batch, whatever its models said."""
    scores = [mark.score for mark in batch.marks if mark.state in {"graded", "offline"}]
    stats = batch.batch_stats
    assert [(m.user_id, m.question_id) for m in batch.marks] == [(g["user_id"], g["question_id"]) for g in given], name
    assert sum(batch.states.values()) == stats.total_count == len(given), name
    assert [mark.score for mark in batch.results] == scores, name
    assert stats.average_score == (sum(scores) / len(scores) if scores else 0.0), name
    assert stats.failed_count == len(batch.failures) == len(batch.failed_question_ids) == batch.states["failed"], name
    for mark in batch.marks:
        assert (mark.score is not None) == (mark.is_correct is not None) == (mark.state in {"graded", "offline"}), name
        assert mark.score is None or 0 <= mark.score <= 100, name
        assert mark.state == "graded" or (mark.code and mark.reason), name
        assert mark.proposed_score is None or mark.state == "needs_review", name


def check_offline(mark: Mark, given: Mapping[str, Any], name: str) -> None:
    """Check that a mark made without a model, or a proposal, is the offline grader's own."""
    (estimate,) = OFFLINE.estimate([exercise_of(Answer.of(given))])
    own = None if estimate is None else round(100 * estimate.score, 2)
    given_score = mark.score if mark.state == "offline" else mark.proposed_score
    assert given_score == own, f"{name}: {given_score} instead of {own}"


def total(weights: Sequence[float], earned: Sequence[float]) -> float:
    """Add credits up, apart from the code that is tested: points of 100, rounded to two decimals."""
    best = sum(weight for weight in weights if weight > 0)
    reached = math.fsum(weight * credit for weight, credit in zip(weights, earned, strict=True))
    return round(100 * min(1.0, max(0.0, reached / best)), 2)


def _check_mark(mark: Mark, given: Mapping[str, Any], schedule: Schedule, name: str) -> None:
    text = given["user_answer"]
    calls = sum(model.calls[text] for model in schedule.models)
    met = set().union(*(model.met[text] for model in schedule.models))
    if mark.method.startswith(("objective", "rule")) or mark.code in {"missing_key", "unknown_type", "duplicate"}:
        assert mark.attempts == 0, name
        assert mark.state == "failed" or mark.score == 100 * (text == "yes"), name
    elif mark.state == "graded" or mark.code == "samples_disagree":
        _check_credits(mark, Answer.of(given), schedule, name)
        # What a model took that turned out to be out of reach is not told with its error.
        lost = met & _SHARED or (schedule.is_paced and len(schedule.models) > 1)
        assert mark.attempts == calls or (mark.attempts < calls and lost), name
    elif mark.state in {"offline", "needs_review"}:
        assert mark.code in {"timeout", "unreachable", "refusal", "low_confidence"}, name
        check_offline(mark, given, name)
    else:
        assert mark.attempts <= calls, name
    if mark.code == "refusal":
        assert "declined" in met, name
    elif mark.code in {"bad_reply", "error", "unreachable", "throttled", "refused"}:
        # A model out of reach for one answer is not asked for the next ones, nor in the batch after a cancelled one.
        shared = set().union(*(found for model in schedule.models for found in model.met.values()))
        gone = schedule.cancelled_after is not None or (shared if schedule.is_paced else shared & _SHARED)
        assert met or (mark.code == "unreachable" and gone), name


def _check_credits(mark: Mark, answer: Answer, schedule: Schedule, name: str) -> None:
    """Check that a score is what the credits of the accepted replies add up to, and the words those of one of them."""
    accepted = [each for model in schedule.models for each in model.accepted[answer.user_answer]]
    weights = [one.weight for one in mark.criteria]
    totals = sorted(total(weights, each) for each in accepted)
    middle = totals[(len(totals) - 1) // 2]
    assert (mark.score if mark.state == "graded" else mark.proposed_score) == middle, name
    assert tuple(one.credit for one in mark.criteria) in accepted, name
    assert (totals[-1] - totals[0] > MAX_SPREAD) == (mark.state == "needs_review"), name
    assert mark.samples == len(accepted) > schedule.settings["samples"] / 2, name
    assert answer.rubric is None or weights == [one.weight for one in answer.rubric.criteria], name
