"""Holds videos for a model to look at while they are needed, and lets nothing of them stay.

A video goes from its link to a file in a private folder, from there to Gemini's storage, and when the last one who
looks at it has left, it is deleted there; the file here goes as soon as it is uploaded. Both are deleted on success, on
error and on cancel. After a crash the journal knows what may be left, and the next start sweeps it.
"""

from __future__ import annotations

import copy
import secrets
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from filelock import FileLock, Timeout

from penstock.errors import DeliveryError, ItemError, JobError, Later, PenstockError
from penstock.models.gemini_files import KEPT, new_name
from penstock.score.video.journal import Left, VideoJournal
from penstock.score.video.link import DRIVE, read_link
from penstock.score.video.source import VideoSource
from penstock.web.again import Again
from penstock.web.fetch import LARGEST, make_private, open_downloads

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from penstock.models.gemini_files import GeminiFiles
    from penstock.models.model import Media
    from penstock.score.video.link import DriveLink, LocalLink, WebLink
    from penstock.score.video.source import Authorizer, Brought

GRACE = 10.0
"""Seconds that the deletion of a file may take before it is left to a later sweep."""

SWEEP = 60.0
"""Seconds that a sweep may hold up a start."""

SETTLED = 120.0
"""Seconds after which a server has done with whatever was sent by a process that is dead."""

_SUFFIX = ".video"
_JOURNAL = "journal.jsonl"
_WAIT = 30.0  # seconds to wait for a sweeper that looks at this folder


@dataclass(slots=True, kw_only=True)
class VideoStats:
    """What was done so far.

    Attributes:
        downloads: Videos that were downloaded.
        bytes: Of all downloads.
        uploads: Videos that were uploaded and ready.
        deleted: Files that were deleted at the server.
        swept: Files of earlier runs that were deleted, at the server and here.
        seconds: Spent bringing videos, those at once counted each.
    """

    downloads: int = 0
    bytes: int = 0
    uploads: int = 0
    deleted: int = 0
    swept: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class _Held:
    """A video in use; the lock is held by whoever brings it."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    users: int = 0
    media: Media | None = None
    name: str = ""
    error: ItemError | Later | None = None


class Videos:
    """The videos of one run; use it as `async with Videos(...) as videos`. Many tasks may open videos at once.

    Attributes:
        folder: Where downloads lie, with the journal and a lock; only this user can enter it.
        stats: What was done so far.
    """

    def __init__(
        self,
        files: GeminiFiles,
        folder: Path,
        *,
        largest: int = LARGEST,
        timeout: float = 120.0,
        allow_private: bool = False,
        base: Path | None = None,
        allow_outside: bool = False,
        authorizer: Authorizer | None = None,
        drive: str = DRIVE,
        concurrency: int = 7,
        again: Again | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Remember how videos are brought; nothing is opened yet.

        Args:
            files: Where videos are uploaded.
            folder: For this run alone; made when it is not there.
            largest: Bytes of one video.
            timeout: Seconds for one download.
            allow_private: Whether links into private networks are followed.
            base: Folder that file names start from; None where rows may name no files of this machine.
            allow_outside: Whether files outside of that folder may be named.
            authorizer: Proves to Drive who asks; None for files that are shared with everyone.
            drive: The one origin that gets what the authorizer gives.
            concurrency: Videos held at once, which bounds the room they take.
            again: How failures of downloads that may pass are met.
            clock: Seconds, monotonic.
            now: Seconds since 1970.
        """
        self.folder = folder
        self.stats = VideoStats()
        self._files = files
        self._journal = VideoJournal(folder / _JOURNAL)
        self._http = open_downloads(allow_private=allow_private)
        self._source = VideoSource(
            http=self._http,
            timeout=timeout,
            largest=largest,
            allow_private=allow_private,
            authorizer=authorizer,
            drive=drive,
        )
        self._base = base
        self._allow_outside = allow_outside
        self._allow_private = allow_private
        self._slots = anyio.Semaphore(concurrency)
        self._again = again or Again(attempts=3)
        self._clock = clock
        self._now = now
        self._held: dict[str, _Held] = {}
        self._lock = _lock(folder)
        self._here: set[Path] = set()  # files in use
        self._named: set[str] = set()  # at the server, in use

    async def __aenter__(self) -> Self:
        """Take the folder.

        Raises:
            JobError: Another process works in it.
            InputError: It cannot be made.
        """
        await anyio.to_thread.run_sync(make_private, self.folder)
        try:
            await anyio.to_thread.run_sync(self._lock.acquire, _WAIT)
        except Timeout:
            raise JobError(f"Another process works with the videos in {self.folder}.") from None
        try:
            await self._http.__aenter__()
        except BaseException:
            self._lock.release()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Try once more to delete what could not be deleted, and let go of the folder."""
        with anyio.CancelScope(shield=True):
            try:
                with anyio.move_on_after(GRACE), suppress(PenstockError):
                    await self._sweep_journal(self._journal)
                with suppress(DeliveryError, OSError):
                    await anyio.to_thread.run_sync(self._journal.clear)
            finally:
                await self._http.__aexit__(None, None, None)
                self._lock.release()

    @asynccontextmanager
    async def opened(self, link: str) -> AsyncGenerator[Media]:
        """Hold the video behind a link: at the server, ready to be looked at, until the block ends.

        Equal links that are open at once share one upload.

        Args:
            link: An http(s) address, a link to Drive, or the name of a file.

        Raises:
            Unfit: It is not there, may not be read, is too large, or no video that is supported.
            Rejected: The server could not read it.
            Later: The network or a server failed.
            Refused: A key is turned down, or the storage is full.
            DeliveryError: There is no room on this machine.
        """
        held = self._held.setdefault(link.strip(), _Held())
        held.users += 1
        try:
            yield await self._media(link, held)
        finally:
            held.users -= 1
            if not held.users:
                del self._held[link.strip()]
                await self._let_go(held)

    async def sweep(self, runs: Path | None = None) -> int:
        """Delete what earlier runs have left, here and at the server; says how many files those were.

        A run that a living process works on is left alone, and so is what another account uploaded.

        Args:
            runs: Folder of all runs, where each may have a folder of the same name as this one's; None for this alone.

        Raises:
            Refused: The key is turned down.
        """
        before = self.stats.swept
        with anyio.move_on_after(SWEEP), suppress(Later):
            await self._sweep_folder(self.folder)
            for folder in await anyio.to_thread.run_sync(_others, runs, self.folder):
                lock = _lock(folder)
                with suppress(Timeout, OSError):
                    await anyio.to_thread.run_sync(lock.acquire, 0)
                    try:
                        await self._sweep_folder(folder)
                    finally:
                        lock.release()
        return self.stats.swept - before

    # --- bringing ---

    async def _media(self, link: str, held: _Held) -> Media:
        """Bring a video, or wait for whoever is bringing it."""
        async with held.lock:
            if held.error is not None:
                raise copy.copy(held.error)
            if held.media is None:
                try:
                    await self._bring(link, held)
                except (ItemError, Later) as error:
                    held.error = error
                    raise
            assert held.media is not None
            return held.media

    async def _bring(self, link: str, held: _Held) -> None:
        found = await anyio.to_thread.run_sync(self._read, link)
        await self._slots.acquire()
        began, into = self._clock(), self.folder / f"{secrets.token_hex(8)}{_SUFFIX}"
        self._here.add(into)
        try:
            brought = await self._again.ask(lambda: self._source.bring(found, into=into))
            self._count(brought)
            await self._upload(brought, held)
        except BaseException:
            self._slots.release()
            raise
        finally:
            into.unlink(missing_ok=True)
            self._here.discard(into)
            self.stats.seconds += self._clock() - began

    def _read(self, link: str) -> WebLink | DriveLink | LocalLink:
        return read_link(link, base=self._base, allow_outside=self._allow_outside, allow_private=self._allow_private)

    async def _upload(self, brought: Brought, held: _Held) -> None:
        """Upload a video, under a name that is written down first."""
        name = new_name()
        left = Left(name=name, origin=self._files.origin, account=self._files.account, at=self._now())
        self._named.add(name)
        try:
            await anyio.to_thread.run_sync(self._journal.begin, left)
            media = await self._files.upload(brought.path, brought.mime_type, name, digest=brought.digest)
            if brought.ours:  # the room is wanted while the server still looks at what it got
                brought.path.unlink(missing_ok=True)
            remote = await self._files.wait_active(name)
        except BaseException:
            await self._delete(name)
            raise
        self.stats.uploads += 1
        held.name, held.media = name, replace(media, uri=remote.uri or media.uri)

    def _count(self, brought: Brought) -> None:
        if brought.ours:
            self.stats.downloads += 1
            self.stats.bytes += brought.size

    # --- letting go ---

    async def _let_go(self, held: _Held) -> None:
        """Delete a video that nobody looks at any more."""
        if held.media is not None:
            try:
                await self._delete(held.name)
            finally:
                self._slots.release()

    async def _delete(self, name: str) -> None:
        """Delete a file at the server; what cannot be deleted in time stays in the journal."""
        try:
            with anyio.move_on_after(GRACE, shield=True), suppress(PenstockError):
                was_there = await self._files.delete(name)
                self.stats.deleted += was_there
                await anyio.to_thread.run_sync(self._journal.end, name)
        finally:  # a task that is cancelled outright is not shielded: then the end of the run sees to it
            self._named.discard(name)

    # --- sweeping ---

    async def _sweep_folder(self, folder: Path) -> None:
        removed = await anyio.to_thread.run_sync(_remove, folder, frozenset(self._here))
        self.stats.swept += removed
        await self._sweep_journal(self._journal if folder == self.folder else VideoJournal(folder / _JOURNAL))

    async def _sweep_journal(self, journal: VideoJournal) -> None:
        """Delete what a journal says is left of this account.

        A young file that is not there may still come: the last chunk of an upload can be on its way when its sender is
        dead. So its line stays for the next sweep.
        """
        for left in await anyio.to_thread.run_sync(journal.left):
            age = self._now() - left.at
            if age < KEPT:
                if left.name in self._named or (left.origin, left.account) != (self._files.origin, self._files.account):
                    continue
                was_there = await self._files.delete(left.name)
                self.stats.swept += was_there
                if age < SETTLED and not was_there:
                    continue
            await anyio.to_thread.run_sync(journal.end, left.name)


def _lock(folder: Path) -> FileLock:
    """The lock of a folder; it goes with the process, however that ends."""
    return FileLock(folder / "lock", is_singleton=False, thread_local=False)


def _others(runs: Path | None, own: Path) -> list[Path]:
    """List the folders of other runs that hold videos or a journal."""
    if runs is None or not runs.is_dir():
        return []
    found = (run / own.name for run in sorted(runs.iterdir()))
    return [each for each in found if each.is_dir() and not each.is_symlink() and each != own and _is_used(each)]


def _is_used(folder: Path) -> bool:
    return (folder / _JOURNAL).exists() or any(folder.glob(f"*{_SUFFIX}"))


def _remove(folder: Path, used: frozenset[Path]) -> int:
    """Remove the videos of a folder that are not in use; says how many they were."""
    left = [path for path in folder.glob(f"*{_SUFFIX}") if path not in used]
    for path in left:
        with suppress(OSError):
            path.unlink()
    return len(left)
