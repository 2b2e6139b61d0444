"""How near a batch of short answers comes to the time of its slowest call, and to the best that a limit allows.

    python benchmarks/grade_batch.py [--rounds 7] [--latency 0.3 0.5] [--one-by-one 1]

The server runs in a process of its own, on another core where there is one, and draws the seconds of each call evenly
between the two latencies; what it drew is known here, so the bounds are exact. `slowest` is the longest call of the
batch. `schedule` is what k calls at a time take when each next answer goes to whoever is free first, in the order in
which the answers came: nobody knows the seconds of a call before it ends, so longest-first is not to be had.

    cold     a new session: no connection is open, and the pace does not know the server
    warm     the session of an earlier batch
    bare     aiohttp alone, all calls at once, warm: what the machine and the client library leave to be won
    k        at most so many calls at a time, as a known limit (`concurrency`, and `first` for the cold one)
    limited  a server that bears 10 calls and refuses more with 429, which nobody was told

The bound of a batch at once is its slowest call, that of the others the schedule. All figures are medians with minimum
and maximum over the rounds; CPU is this process's, for one call. An answer without the score that the server gave it
ends the benchmark.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import aiohttp
import anyio

from measuring import cores, spread
from penstock.grade import Answer, Criterion, Grader, Rubric
from penstock.grade.prompt import GradePrompt
from penstock.models import ModelSpec, Session
from penstock.testing import Behaviour, Latency, expected_credits, serve_in_process
from penstock.testing.chat import Chat, Message
from penstock.testing.faults import draw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from penstock.models.model import Prompt
    from penstock.testing import ServerProcess

RUBRIC = Rubric(criteria=(Criterion(name="idea", weight=2), Criterion(name="example"), Criterion(name="words")))
T = TypeVar("T")

LIMIT = 10
"""Calls that the limited server bears."""


@dataclass(slots=True, kw_only=True)
class Line:
    """What one way of grading took, round by round."""

    ratios: list[float] = field(default_factory=list)
    walls: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Bench:
    """One server, the latencies that it draws, and what was measured so far."""

    server: ServerProcess
    latency: Latency
    lines: defaultdict[str, Line] = field(default_factory=lambda: defaultdict(Line))
    answered: int = 0

    def answers(self, count: int) -> list[Answer]:
        """Make answers that nobody has given before."""
        first = self.answered
        self.answered += count
        return [
            Answer(
                user_id=f"u{number}",
                question_id="q",
                question_type="short_answer",
                user_answer=f"Answer {number}: the water of the puddle evaporates, since the sun warms it.",
                correct_answer=("The sun warms the water, and it evaporates.",),
                question="Why is the puddle gone?",
                rubric=RUBRIC,
            )
            for number in range(first, first + count)
        ]

    def seconds(self, answers: Sequence[Answer]) -> list[float]:
        """What the server draws for the call about each answer."""
        prompts = [GradePrompt(answer, RUBRIC)() for answer in answers]
        return [self.latency.at(draw(0, _key(prompt), nth=0, purpose="latency")) for prompt in prompts]

    def behave(self, capacity: int | None = None) -> None:
        """Give the server a limit, or none."""
        self.server.behave(Behaviour(latency=self.latency, capacity=capacity))

    def spec(self, **more: int) -> ModelSpec:
        """The model, for a batch that somebody waits for."""
        return ModelSpec(**{"name": "openai/m", "base_url": self.server.url, "concurrency": 50, **more})

    async def grade(self, name: str, session: Session, count: int, *, k: int | None = None, **more: int) -> None:
        """Grade a batch with `k` calls at a time (all, when not given), and note how long it took for what it must."""
        answers = self.answers(count)
        seconds = self.seconds(answers)
        refused = self.server.stats().refused
        async with Grader(self.spec(**more), session=session) as grader:
            mark = grader.mark_in_turn if k == 1 else grader.mark_all
            wall, cpu, batch = await timed(lambda: mark(answers))
        for answer, mark in zip(answers, batch.marks, strict=True):
            if mark.score != RUBRIC.total(expected_credits(answer.user_answer, 3)):
                sys.exit(f"{name}: {mark.user_id} got {mark.score} ({mark.state}: {mark.reason})")
        self.note(name, wall, cpu, least=schedule(seconds, k or count), count=count)
        self.lines[name].refused.append(self.server.stats().refused - refused)

    def note(self, name: str, wall: float, cpu: float, *, least: float, count: int) -> None:
        """Add one measurement to a line."""
        line = self.lines[name]
        line.ratios.append(wall / least)
        line.walls.append(wall)
        line.cpu.append(1e3 * cpu / count)


def _key(prompt: Prompt) -> bytes:
    messages = [Message(role="system", content=prompt.system), Message(role="user", content=prompt.user)]
    return Chat(model="m", messages=messages).key


def schedule(seconds: Sequence[float], k: int) -> float:
    """Seconds that `k` calls at a time take, each next one begun when the first of them ends."""
    free = [0.0] * k
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


async def timed(run: Callable[[], Awaitable[T]]) -> tuple[float, float, T]:
    """Wall seconds, CPU seconds and result; the garbage of what was before is not this run's."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    result = await run()
    return time.perf_counter() - wall, time.process_time() - cpu, result


async def bare(bench: Bench, count: int) -> None:
    """Ask for the credits with a bare client, all at once: once to open its connections, and once to measure."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def one(body: bytes) -> None:
            async with client.post(f"{bench.server.url}/chat/completions", data=body) as answer:
                reply = json.loads(await answer.read())
                if len(json.loads(reply["choices"][0]["message"]["content"])["credits"]) != len(RUBRIC.criteria):
                    sys.exit("the bare client got a wrong reply")

        async def run() -> None:
            async with anyio.create_task_group() as tasks:
                for body in bodies:
                    tasks.start_soon(one, body)

        for _ in range(2):
            answers = bench.answers(count)
            bodies = [_body(GradePrompt(answer, RUBRIC)()) for answer in answers]
            wall, cpu, _ = await timed(run)
    bench.note(f"{count} at once, bare", wall, cpu, least=max(bench.seconds(answers)), count=count)


def _body(prompt: Prompt) -> bytes:
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": prompt.schema}}
    messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
    return json.dumps({"model": "m", "messages": messages, "temperature": 0, "response_format": wanted}).encode()


async def one_round(bench: Bench) -> None:
    """Measure every line once."""
    bench.behave()
    for count in (10, 50):
        async with Session() as session:
            await bench.grade(f"{count} at once, cold", session, count)
            await bench.grade(f"{count} at once, warm", session, count)
            await bench.grade(f"{count} at once, warm", session, count)
        async with Session() as session:
            await bench.grade(f"{count} at once, cold, first={count}", session, count, first=count)
        await bare(bench, count)
    for k in (5, 10, 20):
        async with Session() as session:
            await bench.grade(f"50, k = {k}, cold", session, 50, k=k, concurrency=k, first=k)
            await bench.grade(f"50, k = {k}, warm", session, 50, k=k, concurrency=k, first=k)
    bench.behave(capacity=LIMIT)
    async with Session() as session:
        for name in ("cold", "warm", "warm"):
            await bench.grade(f"50, limited to {LIMIT}, {name}", session, 50, k=LIMIT)


async def in_turn(bench: Bench) -> None:
    """Grade one after the other, on open connections."""
    bench.behave()
    async with Session() as session:
        await bench.grade("warming up", session, 1)
        for count in (10, 50):
            await bench.grade(f"{count} one by one", session, count, k=1)
    del bench.lines["warming up"]


def report(bench: Bench) -> None:
    """Print what was measured, and how much faster it is than one by one."""
    print(f"{'':30} wall s / bound        wall s               ms CPU a call         refused a batch")
    for name, line in sorted(bench.lines.items()):
        refused = spread(line.refused, form="g") if any(line.refused) else ""
        print(f"{name:30} {spread(line.ratios):21} {spread(line.walls):20} {spread(line.cpu):21} {refused}")
    for count in (10, 50):
        alone = statistics.median(bench.lines[f"{count} one by one"].walls)
        for name in (f"{count} at once, cold", f"{count} at once, warm"):
            print(f"{name}: {spread([alone / wall for wall in bench.lines[name].walls], form='.1f')} x one by one")


async def measure(bench: Bench, *, rounds: int, one_by_one: int) -> None:
    """Warm the process up, and measure."""
    bench.behave()
    async with Session() as session:
        await bench.grade("warming up", session, 5)
    bench.lines.clear()
    for number in range(rounds):
        await one_round(bench)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    for _ in range(one_by_one):
        await in_turn(bench)


def main() -> None:
    """Print one line for each way of grading."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--latency", type=float, nargs=2, default=(0.3, 0.5), metavar="SECONDS")
    parser.add_argument("--one-by-one", type=int, default=1, help="rounds of the slow way; 25 s each")
    given = parser.parse_args()
    low, high = given.latency
    here, cpu = cores()
    os.sched_setaffinity(0, {here})
    middle = (low + high) / 2
    with serve_in_process(cpu=cpu) as server:
        bench = Bench(server=server, latency=Latency(seconds=middle, share=(high - low) / 2 / middle))
        anyio.run(partial(measure, bench, rounds=given.rounds, one_by_one=max(1, given.one_by_one)))
    report(bench)


if __name__ == "__main__":
    main()
