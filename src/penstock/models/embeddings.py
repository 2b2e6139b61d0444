"""Embeddings: texts as vectors whose angles say how near they are in meaning.

    Gathered(Cached(OpenAIEmbedder(...)))

Wrappers of one shape, as with models: `Gathered` makes few calls of what many tasks ask at once, `Cached` remembers,
`OpenAIEmbedder` asks any server that speaks the OpenAI embeddings format, at its pace.

Source: https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import base64
import hashlib
import random
from typing import TYPE_CHECKING, Protocol, cast

import msgspec
import numpy as np

from penstock.errors import ItemError, Later
from penstock.flow.retry import Backoff
from penstock.models.embedding_calls import Asked, Calls, Embedded, PricedCalls, Texts, numbers, tokens_of
from penstock.models.paced import Paced
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.flow.gate import Gate
    from penstock.ledger.cache import Cache
    from penstock.models.embedding_calls import Vectors
    from penstock.models.model import Model
    from penstock.models.prices import Price
    from penstock.models.purse import Purse
    from penstock.web.transport import Http

MOST_TEXTS = 128
"""Texts in one call; servers take up to 2,048, and a call of many is slow and all lost when it fails."""

MOST_TOKENS = 100_000
"""Estimated tokens in one call; the usual limit is 300,000."""

LONGEST = 6_000
"""Characters that are embedded as one piece: near the 8,192 tokens that models take, in scripts of a token each."""


class Embedder(Protocol):
    """Anything that turns texts into vectors."""

    @property
    def name(self) -> str:
        """`provider/model`, or `local`."""
        ...

    @property
    def identity(self) -> str:
        """Everything that changes the vectors; part of the cache key."""
        ...

    async def embed(self, texts: Sequence[str], /) -> Embedded:
        """Embed texts, none of them empty; many tasks may call it at once.

        Raises:
            ItemError: One of the texts cannot be embedded.
            Later: They may be embedded later.
            Refused: The account is turned away; nothing will be embedded.
        """
        ...


class OpenAIEmbedder:
    """One embedding model behind one address; many tasks may ask it at once.

    A long text is embedded in pieces, and its vector is their mean by length.
    """

    def __init__(
        self,
        model: str,
        *,
        http: Http,
        base_url: str,
        key: str = "",
        timeout: float = 60.0,
        gate: Gate | None = None,
        backoff: Backoff | None = None,
        rng: random.Random | None = None,
        patience: float = 300.0,
        price: Price | None = None,
        purse: Purse | None = None,
        dimensions: int | None = None,
        longest: int = LONGEST,
    ) -> None:
        """Remember where to ask; nothing is sent yet.

        Args:
            model: The server's name for the model.
            http: What sends the requests; its owner closes it.
            base_url: Address up to and including the version, such as `http://127.0.0.1:8000/v1`.
            key: Sent as a bearer token; empty for servers that want none.
            timeout: Seconds for one call.
            gate: Where calls wait for their turn; without one they are neither paced nor repeated.
            backoff: How often, and how long after, a failed call is tried again.
            rng: Source of the jitter.
            patience: Seconds without one good answer after which the run stops.
            price: What its tokens cost, where that is known.
            purse: Asked before each call, where there is a price.
            dimensions: Length of the vectors, for models that can be told.
            longest: Characters that are embedded as one piece.
        """
        self._calls = Calls(model, http=http, base_url=base_url, key=key, timeout=timeout, dimensions=dimensions)
        asked: Asked = self._calls
        if price is not None and purse is not None:
            asked = PricedCalls(asked, price, purse)
        if gate is not None:  # wrapped as a model is: all that a pace sees of a call is its size and its usage
            jitter = rng or random.Random()  # noqa: S311 - jitter, not secrets
            alike = cast("Model", asked)
            asked = cast("Asked", Paced(alike, gate, backoff=backoff or Backoff(), rng=jitter, patience=patience))
        self._asked = asked
        self._dimensions = dimensions
        self._longest = longest

    @property
    def name(self) -> str:
        """`openai/` and the server's name for the model."""
        return self._calls.name

    @property
    def identity(self) -> str:
        """Name and address, and what else changes the vectors."""
        return f"{self._calls.identity} {self._dimensions or ''}/{self._longest}"

    async def embed(self, texts: Sequence[str], /) -> Embedded:
        """Embed texts, in as many calls as their number and size ask for.

        Raises:
            Rejected: The server turns one of the texts down; a call with one text tells which.
            Unreachable: No answer, or a broken one.
            Refused: Wrong key, model or address, or the account's quota is used up.
        """
        pieces = [_divided(text, self._longest) for text in texts]
        found: list[Vectors] = []
        usage, limits = Usage(), None
        for batch in batches([piece for parts in pieces for piece in parts]):
            try:
                embedded = await self._asked.ask(batch)
            except (ItemError, Later) as error:
                error.usage = usage + (error.usage or Usage(calls=1))
                raise
            found.append(embedded.vectors)
            usage, limits = usage + embedded.usage, embedded.limits
        if not found:
            return Embedded(vectors=np.zeros((0, 0), np.float32))
        return Embedded(vectors=_joined(np.concatenate(found), pieces), usage=usage, limits=limits)


def batches(texts: Sequence[str]) -> Iterator[Texts]:
    """Divide texts into calls that servers take, in order."""
    batch: list[str] = []
    size = 0
    for text in texts:
        tokens = tokens_of(text)
        if batch and (len(batch) == MOST_TEXTS or size + tokens > MOST_TOKENS):
            yield Texts(texts=tuple(batch))
            batch, size = [], 0
        batch.append(text)
        size += tokens
    if batch:
        yield Texts(texts=tuple(batch))


def _divided(text: str, longest: int) -> list[str]:
    parts = [text[start : start + longest] for start in range(0, len(text), longest)]
    return [part for part in parts if part.strip()] or [text]


def _joined(vectors: Vectors, pieces: Sequence[Sequence[str]]) -> Vectors:
    """Make one vector of the pieces of each text: their mean, the longer ones counting more."""
    if len(vectors) == len(pieces):
        return vectors
    lengths = np.array([len(piece) for parts in pieces for piece in parts], np.float32)
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    starts = np.cumsum([0, *(len(parts) for parts in pieces[:-1])])
    return np.asarray(np.add.reduceat(units * lengths[:, None], starts, axis=0), np.float32)


class Cached:
    """Wraps an embedder: a text is embedded once, for as long as the cache remembers."""

    def __init__(self, embedder: Embedder, cache: Cache) -> None:
        self._embedder = embedder
        self._cache = cache

    @property
    def name(self) -> str:
        """The wrapped embedder's name."""
        return self._embedder.name

    @property
    def identity(self) -> str:
        """The wrapped embedder's identity: remembering changes no vector."""
        return self._embedder.identity

    async def embed(self, texts: Sequence[str], /) -> Embedded:
        """Embed what the cache does not have.

        Raises:
            ItemError: One of the texts cannot be embedded.
            Later: They may be embedded later.
        """
        keys = {text: self._key(text) for text in texts}
        found: dict[str, Vectors] = {}
        for text, key in keys.items():
            body = await self._cache.get(key)
            vector = None if body is None else _remembered(body)
            if vector is not None:
                found[text] = vector
        missing = [text for text in keys if text not in found]
        usage, limits = Usage(), None
        if missing:
            embedded = await self._embedder.embed(missing)
            usage, limits = embedded.usage, embedded.limits
            for text, vector in zip(missing, embedded.vectors, strict=True):
                found[text] = vector
                self._cache.put(keys[text], base64.b64encode(vector.astype("<f4").tobytes()).decode())
        vectors = np.stack([found[text] for text in texts]) if found else np.zeros((0, 0), np.float32)
        return Embedded(vectors=vectors, usage=usage, limits=limits)

    def _key(self, text: str) -> str:
        told = msgspec.json.encode(["embedding", self._embedder.identity]) + text.encode("utf-8", "surrogatepass")
        return hashlib.sha256(told).hexdigest()


def _remembered(body: str) -> Vectors | None:
    """Read a vector from the cache; None where it holds something else."""
    try:
        vector = numbers(body)
    except ValueError:
        return None
    return vector if vector.size and np.isfinite(vector).all() else None
