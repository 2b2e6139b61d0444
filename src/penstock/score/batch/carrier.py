"""Carries loads of questions to a provider's batch API and their answers back, one step on the disk after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from penstock.errors import Outage, Refused
from penstock.flow.shield import waiting
from penstock.models.purse import Hold
from penstock.score.batch.journal import BatchJournal, Entry
from penstock.score.batch.load import Load, named, read_answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.models.batches import Batch, BatchApi
    from penstock.score.batch.journal import Step
    from penstock.web.transport import Response

SEEN_OUT = 30.0
"""Seconds to wait for a cancelled batch to end, so that its answers can be fetched and its files deleted."""


class Carrier:
    """Brings loads on their way; each load by one task at a time."""

    def __init__(
        self, api: BatchApi, journal: BatchJournal, *, at_once: int = 4, say: Callable[[str], None] = lambda _: None
    ) -> None:
        """Remember the way.

        Args:
            api: The provider.
            journal: Where every step is noted.
            at_once: Batches at the provider at once.
            say: Told what takes a while.
        """
        self._api = api
        self._journal = journal
        self._places = anyio.CapacityLimiter(at_once)
        self._say = say

    async def unfinished(self) -> list[Load]:
        """Take up what an earlier run has left at the provider or on the disk."""
        entries = await anyio.to_thread.run_sync(self._journal.unfinished)
        return [await anyio.to_thread.run_sync(self._kept, entry) for entry in entries]

    def _kept(self, entry: Entry) -> Load:
        names = set(named(self._journal.lines(entry.digest)))
        answered = entry.step in {"fetched", "cleared"}
        hold = None if answered else Hold(entry.usd, entry.usd)
        return Load(names=names, sealed=True, entry=entry, kept=True, answered=answered, hold=hold)

    async def make(self, load: Load, lines: list[bytes], *, usd: float) -> None:
        """Put a sealed load on the disk; from here on it is not made again."""
        entry = Entry(digest=load.digest())
        await anyio.to_thread.run_sync(self._journal.write_lines, entry.digest, lines)
        await self._note(entry, "made", lines=len(lines), usd=usd)
        load.entry = entry
        load.prompts = {}

    async def carry(self, load: Load) -> dict[str, Response | str]:
        """Bring a load that is on the disk to its end, from wherever it is; returns the answers by question.

        Raises:
            Outage: The provider was out of reach, or has no room.
            Refused: It does not take the batch.
        """
        entry = load.entry
        if entry is None:
            raise ValueError("a load that is not on the disk cannot be carried")
        if entry.step in {"made", "sent", "created"}:
            with waiting():
                await self._places.acquire_on_behalf_of(load)
            try:
                await self._answered(load, entry)
            finally:
                self._places.release_on_behalf_of(load)
        if load.scattered:
            return {}
        if entry.step == "fetched":
            await self._clear(entry)
        return await anyio.to_thread.run_sync(read_answers, self._journal.answers(entry.digest))

    async def _answered(self, load: Load, entry: Entry) -> None:
        """Have a load's questions answered, and the answers on the disk."""
        perhaps = load.kept
        if entry.step == "made":
            path = self._journal.lines(entry.digest)
            boundary = f"penstock-{entry.digest}"
            file_id = await self._api.upload(path, name=lines_name(entry), boundary=boundary, perhaps=perhaps)
            await self._note(entry, "sent", file_id=file_id)
        if entry.step == "sent":
            batch = await self._api.create(entry.file_id, digest=entry.digest, perhaps=perhaps)
            await self._note(entry, "created", batch_id=batch.id)
            self._say(f"Batch {batch.id} with {entry.lines:,} questions is at the provider; this may take hours.")

        def look(batch: Batch) -> None:
            load.done = batch.done

        batch = await self._api.wait(entry.batch_id, told=look)
        if batch.status == "failed":
            await self._refused(load, entry, batch)
            return
        await self._fetch(entry, batch)
        load.done = entry.lines

    async def _fetch(self, entry: Entry, batch: Batch) -> None:
        """Bring the answers of a batch that is over to the disk."""
        output, errors = self._journal.answers(entry.digest)
        for found, path in ((batch.output_file_id, output), (batch.error_file_id, errors)):
            if found:
                await self._api.fetch(found, path)
        remote = [name for name in (batch.output_file_id, batch.error_file_id) if name]
        await self._note(entry, "fetched", remote=remote)

    async def _refused(self, load: Load, entry: Entry, batch: Batch) -> None:
        """Nothing of a batch was done: ask for less at a time, or say why not."""
        await self._api.delete(entry.file_id)
        await anyio.to_thread.run_sync(self._journal.close, entry)
        if not batch.too_much:
            raise Refused(f"The provider turned batch {batch.id} down: {batch.told}.")
        if entry.lines == 1:
            raise Outage(f"The account has no room for another batch: {batch.told}; resume later.")
        load.scattered = True
        self._places.total_tokens = 1

    async def _clear(self, entry: Entry) -> None:
        """Delete what lies at the provider."""
        for file_id in [entry.file_id, *(entry.remote or [])]:
            await self._api.delete(file_id)
        await self._note(entry, "cleared")

    async def _note(self, entry: Entry, step: Step, **facts: Any) -> None:
        await anyio.to_thread.run_sync(lambda: self._journal.note(entry, step, **facts))

    async def close(self, load: Load) -> None:
        """Forget a load: everything that came of it is kept elsewhere."""
        if load.entry is not None:
            await anyio.to_thread.run_sync(self._journal.close, load.entry)

    async def withdraw(self) -> int:
        """Cancel at the provider what is there, and delete its files; returns how many batches were cancelled.

        What was answered until then is fetched, for a run that goes on after all.
        """
        entries = await anyio.to_thread.run_sync(self._journal.unfinished)
        return sum([await self._withdraw(entry) for entry in entries])

    async def _withdraw(self, entry: Entry) -> bool:
        if entry.step in {"fetched", "cleared"}:
            await self._clear(entry)
            return False
        name = entry.batch_id or await self._created(entry)
        if not name:
            await self._forget(entry)
            return False
        await self._api.cancel(name)
        await self._note(entry, "created", batch_id=name)
        with anyio.move_on_after(SEEN_OUT):
            await self._fetch(entry, await self._api.wait(name))
            await self._clear(entry)
        return True

    async def _created(self, entry: Entry) -> str:
        """Find a batch that was made without a note of it."""
        batch = await self._api.find(entry.digest) if entry.step == "sent" else None
        return batch.id if batch else ""

    async def _forget(self, entry: Entry) -> None:
        """Delete the file of a batch that was never made."""
        lines = anyio.Path(self._journal.lines(entry.digest))
        file_id = entry.file_id or await self._api.find_file(lines_name(entry), size=(await lines.stat()).st_size)
        if file_id:
            await self._api.delete(file_id)
        await anyio.to_thread.run_sync(self._journal.close, entry)


def lines_name(entry: Entry) -> str:
    """What a batch's file of lines is called at the provider."""
    return f"penstock-{entry.digest}.jsonl"
