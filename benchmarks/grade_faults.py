"""Batches of answers under random schedules of faults: no answer lost, none out of place, no invented score.

    python benchmarks/grade_faults.py [--schedules 10000] [--served 300]

Each schedule is drawn from its number: one to eight answers, a grader (samples, asks, fallback, pace, what a timeout
means) and models that time out, hang, refuse, drop connections, raise errors of their own, or reply with bad JSON, a
wrong count, NaN, words, numbers on another scale. Some batches are cancelled midway, and graded once more. Every mark
is checked against what the models really said; see `tests/grade_schedules.py` for what must hold.

The served ones go over HTTP, to a server that fails in some of its own ways; 16 of them run at the same time.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from grade_schedules import OFFLINE, check, check_offline, drawn, play, total
from penstock.grade import Grader
from penstock.models import ModelSpec, Session
from penstock.testing import FAULTS, Behaviour, Latency, ModelServer, expected_credits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from penstock.grade import Mark

TOGETHER = 16
TIMEOUT = 0.5
"""Seconds until a call over HTTP is given up."""
PATIENCE = 0.3
"""Seconds without a good answer after which a server is out of reach; six times as many while it asks to wait."""


def behaviour(seed: int) -> Behaviour:
    """Draw how a server fails."""
    rng = random.Random(-seed - 1)
    names = [*rng.sample(FAULTS, rng.randint(1, 4)), *(["hang"] if rng.random() < 0.25 else [])]
    share = rng.choice((0.0, 0.2, 0.5, 0.9)) / len(names)
    return Behaviour(
        seed=seed,
        latency=Latency(seconds=0.01, share=1.0),
        capacity=rng.choice((None, None, 2)),
        retry_after=rng.choice((None, 0.05)),
        faults=dict.fromkeys(names, share),
        sticky=tuple(dict.fromkeys(names)) if rng.random() < 0.5 else (),
    )


async def served(seed: int) -> Counter[str]:
    """Grade the answers of one schedule over HTTP, and check the marks."""
    schedule, name = drawn(seed), f"served schedule {seed}"
    async with ModelServer(behaviour(seed)) as server, Session() as session:
        spec = ModelSpec(name="openai/m", base_url=server.url, timeout=TIMEOUT, attempts=1, patience=PATIENCE)
        async with Grader(spec, offline=OFFLINE, session=session, **schedule.settings) as grader:
            if schedule.cancelled_after is not None:
                with anyio.move_on_after(schedule.cancelled_after / 100):
                    await grader.mark_all(schedule.given)
                await settled(server)
            batch = await grader.mark_all(schedule.given)
        await settled(server)
    check(batch, schedule.given, name)
    for given, mark in zip(schedule.given, batch.marks, strict=True):
        check_served(mark, given, name)
    return Counter(batch.states)


async def settled(server: ModelServer) -> None:
    """Wait until the server has seen every connection close whose call was given up."""
    with anyio.fail_after(30):
        while server.stats().in_flight:  # noqa: ASYNC110 - it ends on the other side of a socket
            await anyio.sleep(0.001)


def check_served(mark: Mark, given: Mapping[str, Any], name: str) -> None:
    """Check one mark against what the server says about this answer."""
    assert mark.code != "samples_disagree", name
    if mark.state == "graded" and mark.method == "openai/m":
        earned = expected_credits(given["user_answer"], len(mark.criteria))
        assert [one.credit for one in mark.criteria] == earned, name
        assert mark.score == total([one.weight for one in mark.criteria], earned), name
    elif mark.state in {"offline", "needs_review"}:
        check_offline(mark, given, name)


async def serve_all(schedules: int) -> tuple[Counter[str], list[str]]:
    """Grade over HTTP, many schedules at the same time."""
    ended: Counter[str] = Counter()
    wrong: list[str] = []
    turns = anyio.CapacityLimiter(TOGETHER)

    async def one(seed: int) -> None:
        async with turns:
            try:
                ended.update(await served(seed))
            except AssertionError as error:
                wrong.append(str(error))

    async with anyio.create_task_group() as tasks:
        for seed in range(schedules):
            tasks.start_soon(one, seed)
    return ended, wrong


def play_all(schedules: int) -> tuple[Counter[str], list[str]]:
    """Play schedules in virtual time, one after the other."""
    ended: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in range(schedules):
        try:
            ended.update(play(seed))
        except AssertionError as error:
            wrong.append(str(error))
    return ended, wrong


def main() -> None:
    """Print how the answers ended, and every schedule of which something that must hold did not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--served", type=int, default=300)
    given = parser.parse_args()
    failed = False
    for what, count, run in (
        ("played in virtual time", given.schedules, lambda: play_all(given.schedules)),
        ("served over HTTP", given.served, lambda: anyio.run(serve_all, given.served)),
    ):
        began = time.perf_counter()
        ended, wrong = run()
        states = ", ".join(f"{number} {state}" for state, number in sorted(ended.items()))
        print(
            f"{count} schedules {what}, {time.perf_counter() - began:.0f} s: {states}; wrong: {len(wrong)}", flush=True
        )
        print("".join(f"  {line}\n" for line in wrong[:20]), end="")
        failed |= bool(wrong)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
