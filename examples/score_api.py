"""Scores the sample from Python: first with the embedded judge, then with a model server that misbehaves.

    python examples/score_api.py

Everything is written into a temporary folder. The second half asks a server on this machine, so it costs nothing.
"""

import asyncio
import tempfile
from pathlib import Path

import penstock
from penstock.testing import Behaviour, ModelServer

EXAMPLES = Path(__file__).resolve().parent
COMMENTS = EXAMPLES / "comments.csv"
CATEGORIES = EXAMPLES / "categories.yaml"


def score_with_the_embedded_judge(folder: Path) -> None:
    """Score in one call."""
    result = penstock.score_table(
        COMMENTS, text="comment", categories=CATEGORIES, output=folder / "embedded.csv", home=folder
    )
    print(f"embedded judge: {result.job.status}, {result.tally.verdicts} scored, {result.tally.failures} failed")


async def score_with_a_model(folder: Path) -> None:
    """Score with a model, as a program does that has an event loop of its own."""
    behaviour = Behaviour(latency=0.05, capacity=8, faults={"http_500": 0.05, "wrong_count": 0.05})
    async with ModelServer(behaviour) as server, penstock.Session() as session:
        result = await penstock.a_score_table(
            COMMENTS,
            text="comment",
            categories=CATEGORIES,
            model=penstock.ModelSpec(name="openai/rehearsal", base_url=server.url, key_variable=""),
            output=folder / "model.csv",
            home=folder,
            session=session,
        )
        stats = server.stats()
    print(f"model server: {result.job.status}, {result.tally.verdicts} scored, {result.tally.failures} failed")
    print(f"it answered {stats.answered} calls, refused {stats.refused}, never had more than {stats.peak_in_flight}")


def main() -> None:
    """Run both."""
    with tempfile.TemporaryDirectory() as folder:
        score_with_the_embedded_judge(Path(folder))
        asyncio.run(score_with_a_model(Path(folder)))


if __name__ == "__main__":
    main()
