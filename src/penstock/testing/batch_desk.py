"""The part of the test server that keeps files and works through batches; time is an argument."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from penstock.testing.batches import ENDED, ENDPOINTS, Batch, over_tokens, read_lines, settle
from penstock.testing.completions import Completion, failed, spoil
from penstock.testing.faults import fate
from penstock.testing.form import NoForm, read_form
from penstock.testing.wire import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.testing.reply import Replies
    from penstock.testing.tally import Tally
    from penstock.testing.wire import Request

_PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")


class _Create(msgspec.Struct):
    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    id: str
    name: str
    purpose: str
    created_at: int
    content: bytes

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
            "expires_at": None,
        }


class BatchDesk:
    """Files and batches of one server."""

    def __init__(self, replies: Replies, *, wall: Callable[[], float]) -> None:
        self._replies = replies
        self._wall = wall
        self._files: dict[str, _File] = {}
        self._batches: dict[str, Batch] = {}
        self._made = 0
        self._received = 0

    @property
    def files(self) -> int:
        """Files held now."""
        return len(self._files)

    def knows(self, path: str) -> bool:
        """Say whether an address is one of these."""
        return path.startswith(("/v1/files/", "/v1/batches/")) or path in {"/v1/files", "/v1/batches"}

    def receive(self, request: Request, tally: Tally, *, now: float) -> Response:
        """Answer a request, or fail as the behaviour says."""
        behaviour = self._replies.behaviour
        self._received += 1
        fault = fate(behaviour.seed, b"files and batches", nth=self._received, faults=behaviour.batch_faults)
        if fault is not None:
            tally.faults[fault] += 1
        if fault is not None and fault != "drop":
            return spoil(Completion(content="", model=""), fault, wait=1.0)
        response = self._handle(request, tally, now)
        return response if fault is None else replace(response, ends="before")

    def _handle(self, request: Request, tally: Tally, now: float) -> Response:
        room, *rest = request.path.strip("/").split("/")[1:]
        handled = self._on_files(request, rest) if room == "files" else self._on_batches(request, rest, tally, now)
        return handled or failed(404, f"Invalid URL ({request.method} {request.path})", code="unknown_url")

    # --- files ---

    def _on_files(self, request: Request, rest: list[str]) -> Response | None:
        match request.method, rest:
            case "POST", []:
                return self._upload(request)
            case "GET", []:
                return _page([file.told() for file in reversed(self._files.values())], request.query)
            case ("GET" | "DELETE") as method, [name]:
                return self._file(method, name, whole=False)
            case "GET", [name, "content"]:
                return self._file("GET", name, whole=True)
            case _:
                return None

    def _upload(self, request: Request) -> Response:
        try:
            form = read_form(request.body, content_type=request.headers.get("content-type", ""))
            file, purpose = form["file"], form["purpose"].text
        except NoForm as error:
            return failed(400, f"We could not parse your request: {error}.")
        except KeyError as error:
            return failed(400, f"{error} is a required property", param=str(error.args[0]))
        if purpose not in _PURPOSES:
            return failed(400, f"'{purpose}' is not one of {list(_PURPOSES)} - 'purpose'", param="purpose")
        most = self._replies.behaviour.batch_bytes
        if len(file.content) > most:
            return failed(413, f"File is too large: {len(file.content)} bytes, of at most {most}.")
        return _sent(self._keep(file.filename or "file", purpose, file.content).told())

    def _keep(self, name: str, purpose: str, content: bytes) -> _File:
        self._made += 1
        file = _File(id=f"file-{self._made}", name=name, purpose=purpose, created_at=int(self._wall()), content=content)
        self._files[file.id] = file
        return file

    def _file(self, method: str, name: str, *, whole: bool) -> Response:
        file = self._files.get(name)
        if file is None:
            return failed(404, f"No such File object: {name}", param="id")
        if method == "DELETE":
            del self._files[name]
            return _sent({"id": name, "object": "file", "deleted": True})
        if whole:
            return Response(status=200, body=file.content, content_type="application/octet-stream")
        return _sent(file.told())

    # --- batches ---

    def _on_batches(self, request: Request, rest: list[str], tally: Tally, now: float) -> Response | None:
        match request.method, rest:
            case "POST", []:
                return self._create(request, tally, now)
            case "GET", []:
                return _page([self._told(one, tally, now) for one in reversed(self._batches.values())], request.query)
            case "GET", [name]:
                return self._batch(name, tally, now)
            case "POST", [name, "cancel"]:
                return self._cancel(name, tally, now)
            case _:
                return None

    def _create(self, request: Request, tally: Tally, now: float) -> Response:
        try:
            asked = msgspec.json.decode(request.body, type=_Create)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return failed(400, f"We could not parse the JSON body of your request: {error}.")
        file = self._files.get(asked.input_file_id)
        if file is None or file.purpose != "batch":
            return failed(400, f"Cannot find file {asked.input_file_id}.", param="file_id")
        if asked.endpoint not in ENDPOINTS:
            return failed(400, f"Invalid value: '{asked.endpoint}'.", param="endpoint", code="invalid_value")
        if asked.completion_window != "24h":
            return failed(400, "Invalid value for 'completion_window': use '24h'.", param="completion_window")
        batch = self._begin(asked, file, now)
        if not batch.errors:
            tally.batch()
            batch.lines = [replace(line, nth=tally.line(line.question.content)) for line in batch.lines]
        self._batches[batch.id] = batch
        return _sent(self._told(batch, tally, now, status="validating"))

    def _begin(self, asked: _Create, file: _File, now: float) -> Batch:
        behaviour = self._replies.behaviour
        lines, errors = read_lines(file.content, endpoint=asked.endpoint, behaviour=behaviour)
        self._made += 1
        told = {**msgspec.structs.asdict(asked), "created_at": int(self._wall())}
        batch = Batch(
            id=f"batch_{self._made}",
            created=now,
            seconds=behaviour.batch_seconds,
            lines=lines,
            errors=errors,
            told=told,
        )
        if behaviour.batch_tokens is not None and lines:
            waiting = sum(one.tokens for one in self._batches.values() if one.status(now) not in ENDED)
            if waiting + batch.tokens > behaviour.batch_tokens:
                batch.lines, batch.errors = [], [over_tokens(lines[0].question.chat.model, behaviour.batch_tokens)]
        return batch

    def _batch(self, name: str, tally: Tally, now: float) -> Response:
        batch = self._batches.get(name)
        return _sent(self._told(batch, tally, now)) if batch else failed(404, f"No batch found with id '{name}'.")

    def _cancel(self, name: str, tally: Tally, now: float) -> Response:
        batch = self._batches.get(name)
        if batch is None:
            return failed(404, f"No batch found with id '{name}'.")
        status = batch.status(now)
        if status in ENDED:
            return failed(409, f"Cannot cancel a batch with status '{status}'.")
        if batch.cancelled is None:
            batch.cancelled = now
            tally.cancel()
        return _sent(self._told(batch, tally, now))

    def _told(self, batch: Batch, tally: Tally, now: float, *, status: str = "") -> dict[str, Any]:
        self._settle(batch, tally, now)
        answered = round(len(batch.lines) * batch.share(now)) if batch.output is None else len(batch.output)
        counts = {"total": len(batch.lines), "completed": answered, "failed": len(batch.failures)}
        errors = {"object": "list", "data": batch.errors} if batch.errors else None
        return {
            "id": batch.id,
            "object": "batch",
            "status": status or batch.status(now),
            "errors": errors,
            "request_counts": counts,
            "output_file_id": None,
            "error_file_id": None,
            **batch.told,
        }

    def _settle(self, batch: Batch, tally: Tally, now: float) -> None:
        """Write the files of a batch that has ended since it was last looked at."""
        if batch.output is not None or batch.status(now) not in ENDED or batch.errors:
            return
        settle(batch, self._replies, tally, share=batch.share(now))
        for name, lines in (("output", batch.output), ("error", batch.failures)):
            if lines:
                file = self._keep(f"{batch.id}_{name}.jsonl", "batch_output", b"\n".join(lines) + b"\n")
                batch.told[f"{name}_file_id"] = file.id


def _sent(body: dict[str, Any]) -> Response:
    return Response(status=200, body=msgspec.json.encode(body))


def _page(found: list[dict[str, Any]], query: str) -> Response:
    """Send one page of a list, the newest first."""
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    places = [place for place, one in enumerate(found) if one["id"] == asked.get("after")]
    rest = found[places[0] + 1 :] if places else found
    limit = int(asked["limit"]) if asked.get("limit", "").isdecimal() else 20
    shown = rest[: max(1, min(100, limit))]
    ends = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {"first_id": None, "last_id": None}
    return _sent({"object": "list", "data": shown, **ends, "has_more": len(rest) > len(shown)})
