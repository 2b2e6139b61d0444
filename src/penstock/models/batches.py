"""Many questions in one file, answered within a day for about half the price: the batch API that OpenAI began.

    file of lines -> upload -> create -> (hours) -> output and error files -> delete

Nothing here is lost or paid for twice when an answer does not arrive: what may have been done is looked for before it
is done again, a file by its name and size, a batch by the digest in its metadata.

Source: https://platform.openai.com/docs/guides/batch, https://platform.openai.com/docs/api-reference/batch
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar
from urllib.parse import urlencode

import anyio
import anyio.to_thread
import msgspec

from penstock.errors import DeliveryError, InputError, Later, Outage, Refused, Rejected, Unreachable
from penstock.flow.shield import waiting
from penstock.models.faults import UNREADABLE, Faults, openai_cause
from penstock.models.multipart import FileForm
from penstock.web.again import Again
from penstock.web.transport import Response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from penstock.web.transport import Http

Made = TypeVar("Made")

Status: TypeAlias = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]

ENDPOINT = "/v1/chat/completions"
"""What each line asks."""

WINDOW = "24h"
"""The only time that is offered."""

TAG = "penstock"
"""Name in a batch's metadata under which the digest of its lines stands."""

PAGE = 100
"""Batches looked at in one call."""

MOST_PAGES = 20
"""Pages that are searched for a batch of our own; it is among the newest."""

_NO_SUCH = (404, 405, 501)


class Counts(msgspec.Struct, frozen=True):
    """How many lines there are, and how far they are."""

    total: int = 0
    completed: int = 0
    failed: int = 0


class Problem(msgspec.Struct, frozen=True):
    """Something wrong with a file of lines."""

    code: str | None = None
    message: str | None = None
    line: int | None = None


class Problems(msgspec.Struct, frozen=True):
    """Everything wrong with a file of lines."""

    data: list[Problem] = []


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as the server tells it.

    Attributes:
        id: The server's name for it.
        status: How far it is.
        input_file_id: The file of its lines.
        output_file_id: The file of the answers, once there is one.
        error_file_id: The file of the lines that failed, once there is one.
        request_counts: How many lines are done.
        errors: Why it failed as a whole.
        metadata: What was said about it when it was made.
        created_at: Seconds since 1970.
    """

    id: str
    status: Status
    input_file_id: str = ""
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: Counts | None = None
    errors: Problems | None = None
    metadata: dict[str, str] | None = None
    created_at: float = 0.0

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in {"completed", "failed", "expired", "cancelled"}

    @property
    def done(self) -> int:
        """Lines that are done."""
        counts = self.request_counts or Counts()
        return counts.completed + counts.failed

    @property
    def too_much(self) -> bool:
        """Whether it failed because more tokens were waiting than the account may have."""
        problems = self.errors.data if self.errors else []
        return self.status == "failed" and any(problem.code == "token_limit_exceeded" for problem in problems)

    @property
    def told(self) -> str:
        """Why it failed, in one short line."""
        problems = self.errors.data if self.errors else []
        first = problems[0] if problems else Problem(message="the server does not say why")
        where = f"line {first.line}: " if first.line else ""
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return " ".join(f"{where}{first.message or first.code}{more}".split())[:300].rstrip(".")


class _Page(msgspec.Struct):
    data: list[Batch]
    has_more: bool = False


class _File(msgspec.Struct):
    id: str
    filename: str = ""
    bytes: int = 0


class _Files(msgspec.Struct):
    data: list[_File]


class BatchApi:
    """The files and batches of one account; many tasks may use it at once."""

    def __init__(
        self,
        http: Http,
        *,
        base_url: str,
        key: str = "",
        timeout: float = 60.0,
        transfer_timeout: float = 1_800.0,
        again: Again | None = None,
        patience: float = 3_600.0,
        clock: Callable[[], float] = time.monotonic,
        pauses: tuple[float, float] = (5.0, 60.0),
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """Remember where to ask; nothing is sent yet.

        Args:
            http: What sends the requests; its owner closes it.
            base_url: Address up to and including the version.
            key: Sent as a bearer token; empty for servers that want none.
            timeout: Seconds for one call.
            transfer_timeout: Seconds for one file, up or down.
            again: How often, and how long after, a failed call is tried again.
            patience: Seconds without any answer, while a batch is waited for, after which the run stops.
            clock: Seconds, monotonic.
            pauses: Shortest and longest seconds between two looks at a batch.
            sleep: Waits between them.
        """
        self._http = http
        self.base_url = base_url.rstrip("/")
        self._headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        self._timeout = timeout
        self._transfer_timeout = transfer_timeout
        self._again = again or Again()
        self._patience = patience
        self._clock = clock
        self._pauses = pauses
        self._sleep = sleep
        self._faults = Faults(name=self.base_url, identity=self.base_url, key=key, read=openai_cause)

    # --- files ---

    async def upload(self, path: Path, *, name: str, boundary: str, perhaps: bool = False) -> str:
        """Send a file of lines; returns the server's name for it.

        Args:
            path: The file.
            name: What it is called at the server; the same for the same lines.
            boundary: What nothing in the file looks like.
            perhaps: Whether it may have been sent before.
        """
        size = (await anyio.Path(path).stat()).st_size
        form = FileForm(path=path, size=size, name=name, fields={"purpose": "batch"}, boundary=boundary)

        async def send() -> str:
            answer = await self._send("POST", "/files", headers=form.headers, form=form)
            return _read(answer, _File).id

        async def look() -> str | None:
            return await self.find_file(name, size=size)

        return await self._once(send, look, perhaps=perhaps)

    async def find_file(self, name: str, *, size: int) -> str | None:
        """Find a file that was sent before, by its name and size."""
        answer = await self._patiently("GET", f"/files?{urlencode({'purpose': 'batch'})}")
        files = _read(answer, _Files).data
        return next((file.id for file in files if (file.filename, file.bytes) == (name, size)), None)

    async def fetch(self, file_id: str, into: Path) -> None:
        """Bring a file, streamed to disk; it is there whole or not at all.

        Raises:
            DeliveryError: It cannot be written.
        """
        draft = into.with_name(f".{into.name}.draft")
        try:
            await self._tried(lambda: self._download(f"/files/{file_id}/content", draft))
            draft.replace(into)
        except OSError as error:
            raise DeliveryError(f"{into} cannot be written: {error.strerror}; make room, then resume.") from error

    async def delete(self, file_id: str) -> None:
        """Delete a file; one that is gone already is fine."""
        await self._patiently("DELETE", f"/files/{file_id}", gone=True)

    # --- batches ---

    async def create(self, file_id: str, *, digest: str, perhaps: bool = False) -> Batch:
        """Have the lines of a file answered.

        Args:
            file_id: The file.
            digest: What the batch is found by.
            perhaps: Whether that may have been done before.
        """
        asked = {"input_file_id": file_id, "endpoint": ENDPOINT, "completion_window": WINDOW, "metadata": {TAG: digest}}

        async def send() -> Batch:
            return _read(await self._send("POST", "/batches", body=msgspec.json.encode(asked)), Batch)

        return await self._once(send, lambda: self.find(digest), perhaps=perhaps)

    async def find(self, digest: str) -> Batch | None:
        """Find a batch by its digest, among the newest; one that failed or was cancelled does not count."""
        after = ""
        for _ in range(MOST_PAGES):
            query = {"limit": str(PAGE), **({"after": after} if after else {})}
            page = _read(await self._patiently("GET", f"/batches?{urlencode(query)}"), _Page)
            for batch in page.data:
                if (batch.metadata or {}).get(TAG) == digest and batch.status not in {"failed", "cancelled"}:
                    return batch
            if not page.has_more or not page.data:
                return None
            after = page.data[-1].id
        return None

    async def get(self, batch_id: str) -> Batch:
        """Look how far a batch is."""
        return _read(await self._patiently("GET", f"/batches/{batch_id}"), Batch)

    async def cancel(self, batch_id: str) -> None:
        """Stop a batch; one that is over or gone already is fine."""
        await self._patiently("POST", f"/batches/{batch_id}/cancel", gone=True)

    async def wait(self, batch_id: str, *, told: Callable[[Batch], None] = lambda _: None) -> Batch:
        """Wait until a batch is over, looking less and less often; a stop of the flow may end it.

        Args:
            batch_id: The server's name for it.
            told: Given every look at it.

        Raises:
            Outage: Nobody answered for as long as the patience; the batch goes on there.
        """
        pause, longest = self._pauses
        heard = self._clock()
        while True:
            try:
                answer = await self._send("GET", f"/batches/{batch_id}")
                batch = _read(answer, Batch)
            except Later as error:
                if self._clock() - heard > self._patience:
                    raise Outage(
                        f"{self.base_url} did not answer for {self._patience:g} s while batch {batch_id} was waited "
                        f"for: {error}; the batch goes on there, resume when the server is back."
                    ) from error
            else:
                heard = self._clock()
                told(batch)
                if batch.over:
                    return batch
            with waiting():
                await self._sleep(pause)
            pause = min(longest, pause * 1.5)

    # --- calls ---

    async def _once(
        self, send: Callable[[], Awaitable[Made]], look: Callable[[], Awaitable[Made | None]], *, perhaps: bool
    ) -> Made:
        """Do what must not be done twice: after an answer that did not arrive, look whether it was done."""
        tried = perhaps

        async def attempt() -> Made:
            nonlocal tried
            found = await look() if tried else None
            tried = True
            return await send() if found is None else found

        return await self._tried(attempt)

    async def _patiently(self, method: str, path: str, *, gone: bool = False) -> Response:
        return await self._tried(lambda: self._send(method, path, gone=gone))

    async def _tried(self, call: Callable[[], Awaitable[Made]]) -> Made:
        try:
            return await self._again.ask(call)
        except Later as error:
            raise Outage(f"{self.base_url} could not be used: {error}; resume when it is back.") from error

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        form: FileForm | None = None,
        gone: bool = False,
    ) -> Response:
        answer = await self._http.send(
            method,
            f"{self.base_url}{path}",
            headers={**self._headers, "Content-Type": "application/json", **(headers or {})},
            timeout=self._transfer_timeout if form else self._timeout,
            body=form.pieces() if form else body,
        )
        if answer.status in {200, 201} or (gone and answer.status in {404, 409}):
            return answer
        raise self._error(answer, path)

    async def _download(self, path: str, draft: Path) -> None:
        url = f"{self.base_url}{path}"
        async with self._http.stream(url, headers=self._headers, timeout=self._transfer_timeout) as answer:
            if answer.status != 200:
                body = b"".join([piece async for piece in _few(answer.pieces())])
                raise self._error(Response(status=answer.status, headers=answer.headers, body=body), path)
            async with await anyio.open_file(draft, "wb") as file:
                async for piece in answer.pieces():
                    await file.write(piece)
                await file.flush()
                await anyio.to_thread.run_sync(os.fsync, file.wrapped.fileno())

    def _error(self, answer: Response, path: str) -> Exception:
        """Turn an answer into the error that says what to do next."""
        told = self._faults.told(answer)
        if answer.status in _NO_SUCH and path in {"/files", "/batches"}:
            return Refused(f"{self.base_url} has no batches ({told}); leave --batch out, or use another server.")
        if answer.status == 413:
            return InputError(f"{self.base_url} does not take so large a file ({told}); use smaller batches.")
        if answer.status == 404:
            return Refused(f"{self.base_url}{path} is gone ({told}); check the key and the base URL.")
        error = self._faults.error(answer)
        if isinstance(error, Rejected):
            return Refused(f"{self.base_url} turned the batch down ({told}); mend that, then resume.")
        return error


async def _few(pieces: AsyncIterator[bytes], *, most: int = 64 * 1024) -> AsyncGenerator[bytes, None]:
    """Give the beginning of a body: enough for what an error says."""
    async for piece in pieces:
        yield piece
        most -= len(piece)
        if most <= 0:
            return


def _read(answer: Response, kind: type[Made]) -> Made:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except UNREADABLE:
        raise Unreachable("the server's answer could not be read", status=answer.status) from None
