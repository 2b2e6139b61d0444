"""Single calls to a server that speaks the OpenAI embeddings format: how large, what they cost, what came back.

Source: https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import anyio.to_thread
import msgspec
import numpy as np

from penstock.errors import ItemError, Later, NoConnection, Unreachable
from penstock.flow.ratelimits import read_limits
from penstock.models.faults import UNREADABLE, Faults, openai_cause
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from penstock.flow.ratelimits import RateLimits
    from penstock.models.prices import Price
    from penstock.models.purse import Purse
    from penstock.web.transport import Http, Response

    Vectors = NDArray[np.float32]

LARGEST = 32 * 1024 * 1024
"""Bytes of an answer: 128 vectors of 3,072 numbers written out in decimals are six million."""

LARGE = 262_144
"""Bytes from which an answer is read in a thread."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embedded:
    """Texts as vectors.

    Attributes:
        vectors: Shape (n_texts, n_dims), in the order of the texts; their lengths mean nothing.
        usage: What it took, failed calls included; nothing for what was remembered.
        limits: What the server said about its limits along the way.
    """

    vectors: Vectors
    usage: Usage = field(default_factory=Usage)
    limits: RateLimits | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts of one call."""

    texts: tuple[str, ...]

    @property
    def tokens(self) -> int:
        """A rough size in tokens, before the server has counted."""
        return sum(map(tokens_of, self.texts))


def tokens_of(text: str) -> int:
    """Estimate the tokens of a text: four bytes each."""
    return len(text.encode("utf-8", "replace")) // 4 + 1


class _Vector(msgspec.Struct):
    embedding: list[float] | str
    index: int | None = None


class _Counts(msgspec.Struct):
    prompt_tokens: int | None = None
    total_tokens: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Vector]
    usage: _Counts | None = None


_decoder = msgspec.json.Decoder(_Answer)
_encode = msgspec.json.Encoder().encode


class Asked(Protocol):
    """What makes single calls; it has the shape of a model, so that a pace can wrap it."""

    @property
    def name(self) -> str:
        """`openai/` and the server's name for the model."""
        ...

    @property
    def identity(self) -> str:
        """Name and address."""
        ...

    async def ask(self, texts: Texts, /) -> Embedded:
        """Make one call.

        Raises:
            Rejected: The server turns one of the texts down.
            Later: No answer, a broken one, or asked too often.
            Refused: Wrong key, model or address, or the account's quota is used up.
        """
        ...


class PricedCalls:
    """Asks the purse before each call, and says what it cost."""

    def __init__(self, asked: Asked, price: Price, purse: Purse) -> None:
        self.name = asked.name
        self.identity = asked.identity
        self._asked = asked
        self._price = price
        self._purse = purse

    async def ask(self, texts: Texts, /) -> Embedded:
        """Make one call when there is money for it.

        Raises:
            BudgetSpent: There is none; nothing was asked.
        """
        estimate = self._price.of(tokens_in=texts.tokens, tokens_out=0)
        with self._purse.held(await self._purse.wait(estimate)) as hold:
            try:
                embedded = await self._asked.ask(texts)
            except (ItemError, Later) as error:
                if isinstance(error, NoConnection) or (error.status or 0) >= 400:
                    hold.cost = 0.0
                raise
            hold.cost = self._price.cost(embedded.usage)
        return replace(embedded, usage=replace(embedded.usage, cost_usd=hold.cost))


class Calls:
    """Makes single calls to an embedding model."""

    def __init__(
        self, model: str, *, http: Http, base_url: str, key: str, timeout: float, dimensions: int | None
    ) -> None:
        base_url = base_url.rstrip("/")
        self.name = f"openai/{model}"
        self.identity = f"{self.name}@{base_url}"
        self._http = http
        self._url = f"{base_url}/embeddings"
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout = timeout
        self._body: dict[str, Any] = {"model": model, "encoding_format": "float"}
        if dimensions:
            self._body["dimensions"] = dimensions
        self._faults = Faults(name=self.name, identity=self.identity, key=key, read=openai_cause)
        self._size: int | None = None

    async def ask(self, texts: Texts, /) -> Embedded:
        """Send the texts and read their vectors."""
        sent = self._body
        answer = await self._post(texts, sent)
        if answer.status in {400, 422} and "encoding_format" in sent and b"encoding_format" in answer.body:
            self._body = {name: value for name, value in sent.items() if name != "encoding_format"}
            answer = await self._post(texts, self._body)  # older servers know no other format than decimals
        if answer.status != 200:
            raise self._faults.error(answer)
        if len(answer.body) < LARGE:
            embedded = _read(answer, len(texts.texts))
        else:
            embedded = await anyio.to_thread.run_sync(_read, answer, len(texts.texts))
        size = embedded.vectors.shape[1]
        if self._size not in {None, size}:
            raise Unreachable(f"the server gave vectors of {size} numbers, and of {self._size} before", status=200)
        self._size = size
        self._faults.accept()
        return embedded

    async def _post(self, texts: Texts, settings: Mapping[str, Any]) -> Response:
        given = [text.encode("utf-8", "replace").decode() for text in texts.texts]
        return await self._http.send(
            "POST",
            self._url,
            headers=self._headers,
            body=_encode({**settings, "input": given}),
            timeout=self._timeout,
            largest=LARGEST,
        )


def _read(answer: Response, n: int) -> Embedded:
    """Check an answer: `n` vectors of one length, each a direction, in the order of the texts.

    Raises:
        Unreachable: It is something else.
    """
    try:
        read = _decoder.decode(answer.body)
        rows = _ordered(read.data, n)
        vectors = np.stack([numbers(row.embedding) for row in rows])
    except UNREADABLE:
        raise Unreachable("the server's answer was not a list of embeddings", status=200) from None
    except ValueError as error:
        raise Unreachable(f"the server's embeddings cannot be used: {error}", status=200) from None
    if not vectors.size or not np.isfinite(vectors).all():
        raise Unreachable("the server's embeddings cannot be used: not all are finite numbers", status=200)
    counts = read.usage or _Counts()
    return Embedded(
        vectors=vectors,
        usage=Usage(calls=1, tokens_in=counts.prompt_tokens or counts.total_tokens or 0),
        limits=read_limits(answer.headers, now=datetime.now(UTC)),
    )


def _ordered(data: list[_Vector], n: int) -> list[_Vector]:
    if len(data) != n:
        raise ValueError(f"{len(data)} for {n} texts")
    if all(each.index is None for each in data):
        return data
    places = {each.index: each for each in data}
    if set(places) != set(range(n)):
        raise ValueError("their numbers are not those of the texts")
    return [places[place] for place in range(n)]


def numbers(embedding: list[float] | str) -> Vectors:
    """Read a vector that is written as decimals, or as base64 of little-endian single precision.

    Raises:
        ValueError: It is neither.
    """
    with np.errstate(over="ignore"):  # found out by whoever looks for finite numbers
        if isinstance(embedding, list):
            return np.array(embedding, np.float32)
        try:
            return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4").astype(np.float32)
        except binascii.Error:
            raise ValueError("one is no base64") from None
