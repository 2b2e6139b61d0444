"""Opens videos and stops in every way there is, and counts what is left of them: here and at the server.

    python benchmarks/videos.py [--times 50] [--videos 24] [--seed 1] [--faults]

Each trial opens the same videos, seven at once, against a Gemini on loopback that takes 0.2 s to process a file; every
fourth video takes half a second to download:

- success: all are opened and closed;
- cancel:  SIGINT at a moment drawn by lot, as a Ctrl-C;
- kill:    SIGKILL at a moment drawn by lot, then the next start, which sweeps.

Counted are the files that are left at the server and on the disk, before and after the sweep. Exit code 1 where one is
left after success, after cancel, or after kill and sweep. With `--faults` uploads and deletions meet errors, lost
answers and broken connections, so that some deletions have to wait for the next start.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from penstock.models.gemini_files import GeminiFiles
from penstock.score.video import Videos
from penstock.testing.gemini.behaviour import GeminiBehaviour
from penstock.testing.gemini.server import GeminiServer
from penstock.web.transport import HttpTransport

FAULTS = {
    "start_503": 0.05,
    "upload_500": 0.05,
    "upload_half": 0.05,
    "upload_applied_then_503": 0.1,
    "upload_reset": 0.05,
    "get_503": 0.05,
    "delete_503": 0.1,
    "delete_applied_then_503": 0.1,
    "delete_reset": 0.05,
    "processing_failed": 0.05,
}
LONGEST = 60.0
"""Seconds that one trial may take."""


@dataclass
class Left:
    """What was left, added up over the trials."""

    trials: int = 0
    remote: int = 0
    local: int = 0
    remote_swept: int = 0
    local_swept: int = 0

    def row(self, name: str) -> str:
        return f"{name:8} {self.trials:7} {self.remote:13} {self.local:12} {self.remote_swept:12} {self.local_swept:11}"


def on_disk(runs: Path) -> int:
    return len(list(runs.glob("*/videos/*.video")))


async def work(url: str, folder: str, count: int) -> None:
    """Open the videos: what the process that is stopped does."""
    async with HttpTransport() as http:
        files = GeminiFiles(http, base_url=url, key="k", chunk=256 * 1024)
        async with Videos(files, Path(folder), allow_private=True) as videos, asyncio.TaskGroup() as group:
            print("begun", flush=True)
            for number in range(count):
                slow = f"{url}/slow.mp4?seconds=0.5&number={number}"
                quick = f"{url}/videos/{number}.mp4?bytes=600000"
                group.create_task(look(videos, quick if number % 4 else slow))


async def look(videos: Videos, link: str) -> None:
    from penstock.errors import ItemError, Later

    try:
        async with videos.opened(link):
            await asyncio.sleep(0.05)
    except (ItemError, Later):
        pass


async def trial(server: GeminiServer, runs: Path, name: str, count: int, *, stop: int | None, after: float) -> None:
    """Run one process, and stop it some seconds after it has begun."""
    command = [sys.executable, __file__, "--work", server.url, str(runs / name / "videos"), "--videos", str(count)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(LONGEST):
        assert process.stdout is not None
        await process.stdout.readline()
        if stop is not None:
            await asyncio.sleep(after)
            if process.returncode is None:
                process.send_signal(stop)
        await process.wait()


async def sweep(server: GeminiServer, runs: Path) -> None:
    """Start a run that does nothing but sweep, as every run does first."""
    async with HttpTransport() as http:
        files = GeminiFiles(http, base_url=server.url, key="k")
        async with Videos(files, runs / "next" / "videos") as videos:
            await videos.sweep(runs)


async def campaign(times: int, count: int, seed: int, *, faults: bool) -> int:
    rng = random.Random(seed)
    behaviour = GeminiBehaviour(seed=seed, processing_s=0.2, faults=FAULTS if faults else {})
    wrong = 0
    print("stopped   trials   left remote   left local   after sweep: remote       local")
    with tempfile.TemporaryDirectory() as folder:
        async with GeminiServer(behaviour) as server:
            began = asyncio.get_running_loop().time()
            await trial(server, Path(folder) / "first", "r", count, stop=None, after=0)
            whole = asyncio.get_running_loop().time() - began
            for name, stop in (("success", None), ("cancel", signal.SIGINT), ("kill", signal.SIGKILL)):
                left = Left()
                for number in range(times if stop else max(3, times // 10)):
                    runs = Path(folder) / f"{name}{number}"
                    await trial(server, runs, "r", count, stop=stop, after=rng.uniform(0, whole))
                    left.trials += 1
                    left.remote += len(server.files)
                    left.local += on_disk(runs)
                    await sweep(server, runs)
                    left.remote_swept += len(server.files)
                    left.local_swept += on_disk(runs)
                print(left.row(name), flush=True)
                at_once = 0 if stop is signal.SIGKILL or faults else left.remote
                wrong += left.remote_swept + left.local_swept + at_once + (left.local if name != "kill" else 0)
            stats = server.stats()
    print(
        f"\n{stats.uploads} uploads, {stats.deleted} deleted; at most {stats.peak_bytes / 2**20:.1f} MiB held at once"
    )
    if faults:
        print("faults met: " + ", ".join(f"{name} {times}" for name, times in sorted(stats.faults.items())))
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--videos", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--work", nargs=2, metavar=("URL", "FOLDER"), help=argparse.SUPPRESS)
    typed = parser.parse_args()
    if typed.work:
        asyncio.run(work(*typed.work, typed.videos))
        return 0
    return asyncio.run(campaign(typed.times, typed.videos, typed.seed, faults=typed.faults))


if __name__ == "__main__":
    raise SystemExit(main())
