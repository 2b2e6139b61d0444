"""What a score job does to rows that hold videos: one upload per row, looked at for every block of categories."""

from __future__ import annotations

import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import InputError, ItemError, Later
from penstock.flow.together import together
from penstock.jobs.run import Work
from penstock.judge.scorer import failure, fit_text
from penstock.models.gemini_files import GeminiFiles
from penstock.score.video.videos import Videos
from penstock.tables.google import DRIVE_SCOPE, credentials

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AsyncExitStack

    from penstock.jobs.folder import RunFolder
    from penstock.jobs.gauges import Gauges
    from penstock.jobs.workspace import Workspace
    from penstock.records import Item, Outcome
    from penstock.score.asking import Asking
    from penstock.score.video.source import Authorizer

FOLDER = "videos"
"""Where a run keeps its videos and the journal of its uploads, inside its folder."""


async def video_work(
    asking: Asking, stack: AsyncExitStack, folder: RunFolder, workspace: Workspace, gauges: Gauges
) -> Work:
    """Make the work of one run; what earlier runs left at the server or here is deleted first.

    Args:
        asking: The models and their judge.
        stack: Closes what is opened.
        folder: The job's run folder.
        workspace: Where the job is kept.
        gauges: What is measured while models are asked.

    Raises:
        Refused: The key is turned down.
    """
    config, spec = asking.config, asking.config.models[0]
    videos = await stack.enter_async_context(
        Videos(
            GeminiFiles(asking.session.http, base_url=spec.base_url, key=spec.key(), patience=spec.timeout),
            folder.path / FOLDER,
            largest=int(config.video_mb * 2**20),
            timeout=config.video_timeout,
            allow_private=config.private,
            base=None if config.layout else Path(config.source).parent,
            authorizer=_drive(asking),
            concurrency=spec.concurrency,
        )
    )
    await videos.sweep(workspace.path / "runs")

    async def row(batch: Sequence[Item]) -> Sequence[Outcome]:
        try:
            link = fit_text(batch[0])
        except ItemError as error:
            return [failure(item, error) for item in batch]
        outcomes: dict[int, Outcome] = {}
        try:
            async with videos.opened(link) as media:

                async def look(place: int) -> None:
                    outcomes[place] = await asking.judge.judge(batch[place], media=(media,))

                await together([partial(look, place) for place in range(len(batch))])
        except (ItemError, Later) as error:
            return [failure(item, error) for item in batch]
        return [outcomes[place] for place in range(len(batch))]

    def measured() -> dict[str, float]:
        return {**gauges(), **{f"video_{name}": float(value) for name, value in asdict(videos.stats).items()}}

    return Work(judge=row, workers=spec.concurrency, by_row=True, gauges=measured)


def _drive(asking: Asking) -> Authorizer | None:
    """Who asks Drive for files that are not shared with everyone; nobody in particular without credentials.

    Raises:
        InputError: Credentials were named, and cannot be used.
    """
    try:
        return credentials("https://www.googleapis.com", http=asking.session.http, scopes=(DRIVE_SCOPE,))
    except InputError:
        if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
            raise
        return None
