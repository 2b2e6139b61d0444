"""Embeddings for anchored rationales: how good the local vectors are, and how few calls a server gets.

    python benchmarks/anchored.py [FOLDER]

FOLDER holds goemotions.csv, goemotions_ko.csv and ko_chatbot_sentiment.csv as for local_judge.py; what is not there is
left out, and the output says so. `cosine` is the AUROC of the similarity of texts and category definitions (written
for local_judge.py) against the labels, the mean of all categories: 0.5 is a coin. `r` is the same for the similarity as
the formula uses it, stretched over the categories of each row. `lexical` is the embedded judge, for comparison; `none
near` the share of texts that no category is nearer to than another. The definitions are English for the two emotion
tables, so goemotions_ko.csv shows what crossing languages does.

Then 2,000 rows of 10 blocks each are scored 64 at a time against a server on another core that takes 30 ms for a call:
calls, texts per call, CPU per row, and the same rows again, remembered.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import anyio
import numpy as np

from local_judge import Task, tasks
from measuring import cores, made_up
from penstock.flow.gate import Gate
from penstock.flow.pace import Pace
from penstock.judge import agreement
from penstock.judge.anchored import Analysis, Anchoring, described
from penstock.judge.category import Category
from penstock.judge.lexical import LexicalJudge
from penstock.judge.similarity import ALIKE
from penstock.judge.vectors import LocalVectors
from penstock.ledger.cache import SqliteCache
from penstock.models.embeddings import Cached, OpenAIEmbedder
from penstock.models.gathered import Gathered
from penstock.testing import Behaviour, serve_in_process
from penstock.web.transport import HttpTransport

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, BLOCKS, TOGETHER = 2_000, 10, 64


def quality(task: Task) -> None:
    local = LocalVectors()
    chosen = np.random.default_rng(0).permutation(len(task.texts))[:10_000]
    texts, labels = task.part(chosen.tolist())
    categories = local.vectors([described(each, between=": ") for each in task.categories])
    began = time.process_time()
    vectors = np.concatenate([local.vectors(texts[start : start + 500]) for start in range(0, len(texts), 500)])
    rate = len(texts) / (time.process_time() - began)
    near = vectors @ categories.T
    low, high = near.min(axis=1, keepdims=True), near.max(axis=1, keepdims=True)
    stretched = np.where(high - low > ALIKE, (near - low) / np.maximum(high - low, ALIKE), 0.5)
    lexical = LexicalJudge(task.categories).score(texts)
    found = [float(np.nanmean(agreement.auroc(labels >= 0.5, each))) for each in (near, stretched, lexical)]
    silent = float((high - low <= ALIKE).mean())
    print(
        f"{task.name:26} {len(texts):6} {labels.shape[1]:11} {found[0]:7.3f} {found[1]:6.3f} {found[2]:8.3f} "
        f"{silent:10.1%} {rate:10,.0f}"
    )


async def rows(url: str, cache: SqliteCache | None) -> float:
    """Score all rows; returns the CPU seconds."""
    categories = [Category(name=f"category {number}", definition=f"What number {number} is.") for number in range(100)]
    analyses = [Analysis(anchor="Weak", rationale="A trace.")] * 10
    texts = [text for _, text, _ in made_up(ROWS)]
    async with HttpTransport() as http:
        asked = OpenAIEmbedder("m", http=http, base_url=url, gate=Gate(Pace(ceiling=256)), rng=Random(1))
        anchoring = Anchoring(categories, Gathered(Cached(asked, cache) if cache else asked))
        waiting = iter(texts)

        async def worker() -> None:
            for text in waiting:
                for block in range(BLOCKS):
                    await anchoring.scores(text, 10 * block, analyses)

        began = time.process_time()
        async with anyio.create_task_group() as group:
            for _ in range(TOGETHER):
                group.start_soon(worker)
        return time.process_time() - began


async def calls(url: str, received: Callable[[], int]) -> None:
    print(f"\n{ROWS:,} rows of {BLOCKS} blocks, {TOGETHER} at a time      calls  texts per call  CPU per row")
    with tempfile.TemporaryDirectory() as folder:
        async with SqliteCache(Path(folder) / "cache.db") as cache:
            for name, kept in (("no cache", None), ("cache, first run", cache), ("cache, second run", cache)):
                before = received()
                cpu = await rows(url, kept)
                made = received() - before
                each = f"{ROWS / made:14.1f}" if made else f"{'-':>14}"
                print(f"  {name:42} {made:7}  {each}  {cpu / ROWS * 1e6:8.0f} us")


def main() -> None:
    here, other = cores()
    os.sched_setaffinity(0, {here})
    print("local vectors                texts  categories  cosine      r  lexical  none near  texts/s")
    for task in tasks(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/score")):
        quality(task)
    with serve_in_process(Behaviour(latency=0.03), cpu=other) as server:
        anyio.run(calls, server.url, lambda: server.stats().received)


if __name__ == "__main__":
    main()
