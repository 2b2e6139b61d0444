"""The grader: an answer in, a mark out; a batch in, all its marks in the time of the slowest call.

check -> blank or objective: marked at once
      -> short answer: model (paced, checked, sampled) -> mark
                       model timed out, or none given  -> offline grader -> mark that says so
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import anyio
import anyio.to_thread

from penstock.errors import InputError, Later, NoServer, Outage, PenstockError, Rejected, TimedOut, Unfit
from penstock.flow.run import flow
from penstock.flow.unwrap import unwrapped
from penstock.grade.answer import Answer
from penstock.grade.asking import Asker
from penstock.grade.guarded import Guarded
from penstock.grade.mark import Batch, Mark
from penstock.grade.marking import (
    error_mark,
    exercise_of,
    failed_mark,
    immediate_mark,
    model_mark,
    offline_mark,
    reviewed,
    with_usage,
)
from penstock.grade.prompt import INSTRUCTIONS
from penstock.grade.rubric import usual_rubric
from penstock.judge.chain import GONE, Spent
from penstock.models.session import ModelSpec, shared_session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from penstock.grade.offline import OfflineGrader
    from penstock.ledger.cache import Cache
    from penstock.models.model import Model
    from penstock.models.session import Session

    Given = Answer | Mapping[str, Any]

CONCURRENCY = 50
"""Answers in work at once: as many as a batch that somebody waits for has; the pace finds what the server bears."""

AT_ONCE = 250
"""Answers the offline grader takes at a time, so that the loop is not held up and a stop is heard."""


def usual_spec(name: str) -> ModelSpec:
    """Make the spec of a model for a batch that somebody waits for: two tries of 20 seconds."""
    return ModelSpec(name=name, timeout=20.0, attempts=2, patience=60.0, concurrency=CONCURRENCY)


class Grader:
    """Marks answers; many tasks may call it at once.

    Use it as `async with Grader(...) as grader`, as often as wanted, one block inside another, too. Without a model, or
    with a `Model` of your own, it may be used as it is.
    """

    def __init__(
        self,
        model: str | ModelSpec | Model | None = None,
        *,
        fallback: Sequence[str | ModelSpec | Model] = (),
        offline: OfflineGrader | None = None,
        samples: int = 1,
        passing: float = 80.0,
        max_spread: float = 25.0,
        review_below: float = 0.0,
        on_timeout: Literal["offline", "fail"] = "offline",
        deadline: float | None = None,
        concurrency: int = CONCURRENCY,
        asks: int = 2,
        instructions: str = INSTRUCTIONS,
        temperature: float | None = None,
        max_tokens: int | None = None,
        cache: Cache | None = None,
        session: Session | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Remember how to grade; nothing is opened yet.

        Args:
            model: `openai/NAME`, a `ModelSpec`, or anything that answers prompts; None for the offline grader alone.
            fallback: Models asked when the first one fails an answer.
            offline: The grader that needs no model; the untrained one when not given.
            samples: Independent replies per short answer.
            passing: Points from which on an answer counts as right.
            max_spread: Points that samples may lie apart; beyond, a person decides.
            review_below: Confidence below which an offline mark is left to a person, from 0 to 1.
            on_timeout: What becomes of an answer when the model gives none in time.
            deadline: Seconds after which the model counts as timed out, whatever it waits for; none when not given.
            concurrency: Answers in work at once.
            asks: How often each model is asked while its replies fail the check.
            instructions: First sentence of the system prompt.
            temperature: Passed to the models; 0 for one sample and 0.7 for several when not given.
            max_tokens: Passed to the models.
            cache: Where checked replies are remembered.
            session: Shared by all that are to share paces and connections; that of the running loop when not given.
            clock: Seconds since 1970.

        Raises:
            InputError: A setting is out of its range.
        """
        _check(samples=samples, concurrency=concurrency, passing=passing, max_spread=max_spread, review=review_below)
        if deadline is not None and not deadline > 0:
            raise InputError(f"deadline must be above 0 seconds, not {deadline}.")
        given = [one for one in (model, *fallback) if one is not None]
        self._models = [usual_spec(one) if isinstance(one, str) else one for one in given]
        self._offline = offline
        self._samples = samples
        self.passing = passing
        self._max_spread = max_spread
        self._review_below = review_below
        self._on_timeout = on_timeout
        self._deadline = deadline
        self._concurrency = concurrency
        self._asking: dict[str, Any] = {
            "samples": samples,
            "asks": asks,
            "instructions": instructions,
            "temperature": temperature,
            "max_tokens": max_tokens,
            "cache": cache,
        }
        self._session = session
        self._clock = clock
        self._asker: Asker | None = None
        self._stack = AsyncExitStack()
        self._users = 0
        self._gone: tuple[float, PenstockError] | None = None
        own = [one for one in self._models if not isinstance(one, ModelSpec)]
        if own and len(own) == len(self._models):
            self._asker = Asker([Guarded(one) for one in own], **self._asking)

    async def __aenter__(self) -> Self:
        self._users += 1
        if self._users == 1:
            try:
                await self._open()
            except BaseException:
                self._users = 0
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._users -= 1
        if not self._users:
            await self._stack.aclose()

    async def _open(self) -> None:
        if all(not isinstance(one, ModelSpec) for one in self._models):
            return
        settled = [one.settled() if isinstance(one, ModelSpec) else one for one in self._models]
        given = self._session
        session = given if given is not None else await self._stack.enter_async_context(shared_session())
        self._asker = Asker([_opened(one, session) for one in settled], **self._asking)

    @property
    def offline(self) -> OfflineGrader:
        """The grader that needs no model."""
        if self._offline is None:
            from penstock.grade.offline import OfflineGrader

            self._offline = OfflineGrader(passing=self.passing / 100)
        return self._offline

    async def mark(self, given: Given) -> Mark:
        """Mark one answer, whatever happens: a failure is a mark that says why, and never a score."""
        return await self._marked(given, set())

    async def mark_all(self, answers: Sequence[Given]) -> Batch:
        """Mark a batch at once; marks keep the order of the answers.

        Of two answers with the same attempt, or of the same learner to the same question, the second one fails.
        """
        marks: list[Mark | None] = [None] * len(answers)
        waiting = self._sort(answers, marks)
        if self._models:
            await self._ask_all(waiting, marks)
        else:
            for start in range(0, len(waiting), AT_ONCE):
                part = waiting[start : start + AT_ONCE]
                found = await anyio.to_thread.run_sync(self.mark_offline, [answer for _, answer in part])
                for (place, _), mark in zip(part, found, strict=True):
                    marks[place] = mark
        whole = [mark for mark in marks if mark is not None]
        if len(whole) < len(marks):
            raise RuntimeError(f"{len(marks) - len(whole)} of {len(marks)} answers have no mark")
        return Batch.of(whole)

    async def mark_in_turn(self, answers: Sequence[Given]) -> Batch:
        """Mark a batch one after the other: the same marks as `mark_all`, slower."""
        seen: set[tuple[str, ...]] = set()
        return Batch.of([await self._marked(given, seen) for given in answers])

    async def judge(self, answer: Answer) -> Mark:
        """Mark one checked answer, as a step of a job: what is no fault of the answer is raised.

        Raises:
            Refused: The account is turned away.
            NoServer: Nobody answers at the address.
            Outage: The model has been out of reach for long.
        """
        began = perf_counter()
        mark = immediate_mark(answer, passing=self.passing)
        if mark is None and not self._models:
            return self.mark_offline([answer])[0]
        if mark is None:
            mark = await self._ask(answer)
        return self._stamped(mark, began)

    def mark_at_once(self, answer: Answer) -> Mark | None:
        """Mark a checked answer that needs neither model nor offline grader; None for the others."""
        began = perf_counter()
        mark = immediate_mark(answer, passing=self.passing)
        return None if mark is None else self._stamped(mark, began)

    def mark_offline(self, answers: Sequence[Answer]) -> list[Mark]:
        """Mark short answers without a model, in this thread; one mark each, in order."""
        began = perf_counter()
        estimates = self.offline.estimate([exercise_of(answer) for answer in answers])
        marks: list[Mark] = []
        for answer, estimate in zip(answers, estimates, strict=True):
            if estimate is None:
                reason = "There is no model, and neither keywords, a reference answer nor graded examples to go by."
                marks.append(self._stamped(failed_mark(answer, code="no_grader", reason=reason), began))
                continue
            marks.append(self._stamped(self._offline_mark(answer, estimate), began))
        return marks

    def _sort(self, answers: Sequence[Given], marks: list[Mark | None]) -> list[tuple[int, Answer]]:
        """Mark in place what needs no waiting; give the others with their places."""
        seen: set[tuple[str, ...]] = set()
        waiting: list[tuple[int, Answer]] = []
        for place, given in enumerate(answers):
            began = perf_counter()
            found = self._checked(given, seen)
            mark = found if isinstance(found, Mark) else immediate_mark(found, passing=self.passing)
            if mark is not None:
                marks[place] = self._stamped(mark, began)
            elif isinstance(found, Answer):
                waiting.append((place, found))
        return waiting

    async def _ask_all(self, waiting: Sequence[tuple[int, Answer]], marks: list[Mark | None]) -> None:
        async def feed() -> AsyncGenerator[tuple[int, Answer], None]:
            for one in waiting:
                yield one

        async def work(one: tuple[int, Answer]) -> list[tuple[int, Mark]]:
            place, answer = one
            return [(place, await self._survived(answer))]

        workers = max(1, min(self._concurrency, len(waiting)))
        with unwrapped():
            async with flow(feed(), work, workers=workers) as done:
                async for place, mark in done:
                    marks[place] = mark

    async def _marked(self, given: Given, seen: set[tuple[str, ...]]) -> Mark:
        began = perf_counter()
        found = self._checked(given, seen)
        return self._stamped(found, began) if isinstance(found, Mark) else await self._survived(found)

    def _checked(self, given: Given, seen: set[tuple[str, ...]]) -> Answer | Mark:
        """Check an answer; what cannot be graded is a mark already. `seen` are the answers before it in its batch."""
        try:
            answer = Answer.of(given)
        except Unfit as error:
            return error_mark(given, error)
        if answer.identity in seen:
            return _duplicate(answer)
        seen.add(answer.identity)
        return answer

    async def _survived(self, answer: Answer) -> Mark:
        """Mark one answer; this is where anything that can go wrong with it ends as its mark."""
        began = perf_counter()
        if (mark := self.mark_at_once(answer)) is not None:
            return mark
        if self._gone is not None and time.monotonic() < self._gone[0]:
            return self._stamped(self._without_model(answer, self._gone[1]), began)
        try:
            return await self.judge(answer)
        except (NoServer, Outage) as error:
            self._gone = (time.monotonic() + GONE, error)
            mark = self._without_model(answer, error)
        except PenstockError as error:
            mark = error_mark(answer, error)
        return self._stamped(mark, began)

    async def _ask(self, answer: Answer) -> Mark:
        if self._asker is None:
            raise RuntimeError("Grader is used outside `async with`.")
        rubric = answer.rubric or usual_rubric(answer.correct_keywords)
        try:
            with _at_most(self._deadline):
                samples = await self._asker.ask(answer, rubric)
        except TimedOut as error:
            return self._spent(answer, error)
        except Spent as spent:
            return with_usage(self._spent(answer, spent.error), spent.usage)
        except NoServer as error:
            if isinstance(error.__cause__, TimedOut):
                return self._spent(answer, error.__cause__)
            raise
        return model_mark(answer, rubric, samples, passing=self.passing, max_spread=self._max_spread)

    def _spent(self, answer: Answer, error: PenstockError) -> Mark:
        """Decide what becomes of an answer that no model marked."""
        if isinstance(error, TimedOut):
            return self._without_model(answer, error)
        if isinstance(error, Rejected):
            reason = f"The model declined to mark it: {error}."
            estimate = self._estimate(answer)
            proposal = estimate or failed_mark(answer, code="refusal", reason=reason)
            return reviewed(proposal, code="refusal", reason=reason)
        return error_mark(answer, error, later=isinstance(error, Later))

    def _without_model(self, answer: Answer, error: PenstockError) -> Mark:
        """Mark an answer whose model is silent, or say that it failed."""
        said = str(error).rstrip(".")
        code = "timeout" if isinstance(error, TimedOut) else "unreachable"
        estimate = self._estimate(answer) if self._on_timeout == "offline" else None
        if estimate is None:
            return replace(failed_mark(answer, code=code, reason=f"The model gave no answer: {said}."), later=True)
        if estimate.state == "needs_review":
            return estimate
        return replace(estimate, code=code, reason=f"The model gave no answer ({said}): graded without it.")

    def _estimate(self, answer: Answer) -> Mark | None:
        (estimate,) = self.offline.estimate([exercise_of(answer)])
        return None if estimate is None else self._offline_mark(answer, estimate)

    def _offline_mark(self, answer: Answer, estimate: Any) -> Mark:
        mark = offline_mark(answer, estimate, method=self.offline.method)
        if estimate.confidence < self._review_below:
            reason = f"The offline grader is only {100 * estimate.confidence:.0f} % sure."
            return reviewed(mark, code="low_confidence", reason=reason)
        return mark

    def _stamped(self, mark: Mark, began: float) -> Mark:
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        return replace(mark, graded_at=at, seconds=round(perf_counter() - began, 4))


@contextmanager
def _at_most(seconds: float | None) -> Generator[None]:
    """Cancel what takes longer.

    Raises:
        TimedOut: It did.
    """
    with anyio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        raise TimedOut(f"no mark within {seconds:g} s")


def _opened(model: ModelSpec | Model, session: Session) -> Model:
    return session.model(model) if isinstance(model, ModelSpec) else Guarded(model)


def _duplicate(answer: Answer) -> Mark:
    if answer.attempt_id:
        reason = f"The attempt {answer.attempt_id} stands in the batch already."
    else:
        reason = f"{answer.user_id} has an answer to {answer.question_id} in the batch already: give attempt ids."
    return failed_mark(answer, code="duplicate", reason=reason)


def _check(*, samples: int, concurrency: int, passing: float, max_spread: float, review: float) -> None:
    if samples < 1 or concurrency < 1:
        raise InputError("samples and concurrency must be at least 1.")
    if not 0 < passing <= 100 or not 0 <= max_spread <= 100:
        raise InputError("passing must be above 0 and at most 100, max_spread from 0 to 100.")
    if not 0 <= review <= 1:
        raise InputError(f"review_below must be from 0 to 1, not {review}.")
