"""A process that opens videos until it is killed: `python filmed.py GEMINI FOLDER LINK...`."""

import asyncio
import sys
from pathlib import Path

from penstock.models.gemini_files import GeminiFiles
from penstock.score.video import Videos
from penstock.web.transport import HttpTransport


async def hold(videos, link):
    async with videos.opened(link):
        await asyncio.sleep(3600)


async def main(url, folder, *links):
    async with HttpTransport() as http:
        files = GeminiFiles(http, base_url=url, key="k")
        async with Videos(files, Path(folder), allow_private=True) as videos, asyncio.TaskGroup() as group:
            for link in links:
                group.create_task(hold(videos, link))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
