"""What the tests of whole score jobs share: a folder with a table, and a model that tells what it was asked."""

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from penstock.models import ModelSpec
from penstock.score import a_score_table
from penstock.tables import open_table
from penstock.testing import ModelServer
from penstock.testing.answers import score_text


@dataclass(kw_only=True)
class Mind:
    """Answers as the model server does, remembers which texts it was asked, and says nothing useful about some."""

    unfit: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    bodies: list[dict] = field(default_factory=list)
    answer: object = score_text

    def __call__(self, body):
        lines = str(body["messages"][-1]["content"]).split("\n")
        text = next(json.loads(line)["text"] for line in lines if line.startswith('{"'))
        self.asked.append(text)
        self.bodies.append(body)
        return "I would rather not." if text in self.unfit else self.answer(body)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A folder with `rows.csv`, a workspace, and a server."""

    folder: Path
    server: ModelServer
    mind: Mind

    def write(self, texts):
        """Write the table anew."""
        lines = ["text", *(json.dumps(text) for text in texts), ""]
        (self.folder / "rows.csv").write_text("\n".join(lines), encoding="utf-8")

    def model(self, name="openai/m", **settings):
        """A model of the server."""
        return ModelSpec(name=name, base_url=self.server.url, **{"concurrency": 8, "attempts": 1, **settings})

    def given(self, **settings):
        """The settings of a job; those that are not named are the same each time."""
        usual = {"text": "text", "categories": ["joy", "fear"], "home": self.folder / "home", "asks": 1}
        return {**usual, "output": self.folder / "out.csv", "model": self.model(), **settings}

    async def score(self, **settings):
        """Score the table."""
        return await a_score_table(self.folder / "rows.csv", **self.given(**settings))

    def rows(self):
        """The lines of the scored table, as mappings."""
        table = open_table(self.folder / "out.csv")
        return [dict(zip(table.columns, row.cells, strict=True)) for row in table.rows()]

    def column(self, name):
        """One column of the scored table."""
        return [row[name] for row in self.rows()]

    def again(self):
        """Forget what was asked so far."""
        self.mind.asked.clear()
        self.mind.bodies.clear()
        self.server.reset()


@asynccontextmanager
async def bench(folder, behaviour=None, **mind):
    """Start a server on a bench."""
    answering = Mind(**mind)
    async with ModelServer(behaviour, answer=answering) as server:
        yield Bench(folder=folder, server=server, mind=answering)
