"""Questions that travel together to a provider's batch API, and the lines in which they and their answers stand."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from penstock.errors import Unreachable
from penstock.models.batches import ENDPOINT
from penstock.web.transport import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from penstock.errors import ItemError, Later, PenstockError
    from penstock.models.model import Prompt, Reply
    from penstock.models.purse import Hold
    from penstock.records import Item
    from penstock.score.batch.journal import Entry

_encode = msgspec.json.Encoder(order="deterministic").encode


class _Reply(msgspec.Struct):
    status_code: int
    body: msgspec.Raw


class _Fault(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Answer(msgspec.Struct):
    custom_id: str
    response: _Reply | None = None
    error: _Fault | None = None


class _Named(msgspec.Struct):
    custom_id: str


_answer = msgspec.json.Decoder(_Answer)
_named = msgspec.json.Decoder(_Named)


def question_id(identity: str, prompt: Prompt) -> str:
    """Name a question by everything that can change its answer, whatever form it is sent in: 32 hexadecimal digits."""
    parts = (identity, prompt.system, prompt.user, prompt.schema, prompt.temperature, prompt.max_tokens, prompt.draw)
    return hashlib.sha256(_encode(parts)).hexdigest()[:32]


def line(name: str, body: dict[str, Any]) -> bytes:
    """Write a question as a line."""
    return _encode({"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body})


def named(path: Path) -> Iterator[str]:
    """Name the questions in a file of lines."""
    with path.open("rb") as file:
        for written in file:
            yield _named.decode(written).custom_id


def read_answers(paths: Iterable[Path]) -> dict[str, Response | str]:
    """Read files of answers: by question, the answer as if it had been asked alone, or the code of its error.

    Raises:
        Unreachable: A line is no answer.
    """
    found: dict[str, Response | str] = {}
    for path in paths:
        if not path.exists():
            continue
        with path.open("rb") as file:
            for written in filter(None, map(bytes.strip, file)):
                try:
                    answer = _answer.decode(written)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    raise Unreachable(f"a line of {path.name} is no answer of a batch") from None
                found[answer.custom_id] = _opened(answer)
    return found


def _opened(answer: _Answer) -> Response | str:
    if answer.response is not None and answer.response.status_code:
        return Response(status=answer.response.status_code, headers={}, body=bytes(answer.response.body))
    return (answer.error and answer.error.code) or "unknown"


@dataclass(slots=True, eq=False, kw_only=True)
class Load:
    """Questions that are sent as one batch, from the first of them to their answers.

    Attributes:
        prompts: The questions by name; only until they are on the disk.
        names: The names of all questions, of which one may have been asked directly.
        first: What the first question is about, and which sample it is for.
        size: Bytes of their lines, nearly.
        touched: When the last question was added.
        sealed: Whether it takes no more questions.
        entry: What the journal says of it, once it does.
        kept: Whether it was made by an earlier run.
        answered: Whether that run has fetched its answers, too: then some of what they cost is counted already.
        results: By question the reply, or why there is none.
        unpaid: Questions that the budget had no room for.
        hold: Money promised to it.
        owed: Whether that is owed, as nobody has taken it up in this run.
        spent: What its answers cost, in USD.
        done: Questions that the provider is done with.
        over: Whether its answers are there, or will never be.
        scattered: Whether it was too much for the provider: its questions have to be asked in smaller loads.
        error: What stopped it.
        given: Questions whose usage was put down.
        taken: Questions whose outcome was given on.
        lock: Whoever holds it sees to it that the load goes on.
    """

    prompts: dict[str, Prompt] = field(default_factory=dict[str, "Prompt"])
    names: set[str] = field(default_factory=set[str])
    first: tuple[Item, int] | None = None
    size: int = 0
    touched: float = 0.0
    sealed: bool = False
    entry: Entry | None = None
    kept: bool = False
    answered: bool = False
    results: dict[str, Reply | ItemError | Later] = field(default_factory=dict[str, "Reply | ItemError | Later"])
    unpaid: set[str] = field(default_factory=set[str])
    hold: Hold | None = None
    owed: bool = False
    spent: float = 0.0
    done: int = 0
    over: bool = False
    scattered: bool = False
    error: PenstockError | None = None
    given: set[str] = field(default_factory=set[str])
    taken: set[str] = field(default_factory=set[str])
    lock: anyio.Lock = field(default_factory=anyio.Lock)

    def add(self, name: str, prompt: Prompt, *, size: int, now: float) -> None:
        """Take a question in, whose line has `size` bytes."""
        self.prompts[name] = prompt
        self.names.add(name)
        self.size += size + 1
        self.touched = now

    def fits(self, size: int, *, most_lines: int, most_bytes: int) -> bool:
        """Whether there is room for one more."""
        return not self.sealed and len(self.names) < most_lines and self.size + size < most_bytes

    def digest(self) -> str:
        """Make a name that no other batch has: a retry of the same questions is another batch."""
        total = hashlib.blake2b(secrets.token_bytes(16), digest_size=16)
        for name in self.prompts:
            total.update(name.encode())
        return total.hexdigest()
