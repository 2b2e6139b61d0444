"""Anchored rationales: one sentence for each category that begins with one of five words, and what it is worth.

A model that must say why, and choose among five words, is steadier than one that has to find a number, and its reasons
can be read. The numbers are made here: see `similarity`.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from penstock.errors import BadReply, InputError
from penstock.flow.shield import staying
from penstock.judge.block_prompt import BlockPrompt
from penstock.judge.fence import RULE
from penstock.judge.numeric import INSTRUCTIONS
from penstock.judge.reply import object_in
from penstock.judge.similarity import WEIGHTS, Scored, cosines, detailed, scored, stretched
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.judge.category import Category
    from penstock.models.embedding_calls import Vectors
    from penstock.models.embeddings import Embedder

ANCHORS = tuple(WEIGHTS)
"""The five words, the strongest first."""

LONGEST = 4_000
"""Characters of a rationale that are kept: one or two sentences were asked for."""

KEPT = 4_096
"""Texts whose similarities are remembered at a time: the blocks of a row come soon after one another."""

_OPENERS = r"""[\s*_#>"'“”‘«(\[{【「『]*"""
_CLOSERS = r"""[*_"'“”’»)\]}】」』]*"""
_SEPARATED = (
    r"(?:\s*[:：.．。,，、;；=|–—―]|\s+-|-(?=\s|\Z)|\s|\Z"  # a hyphen inside a word is none: "strong-willed"
    r"""|(?<=[*\])}】」』”»]))[\s*_]*"""
)
_WORD = "|".join(ANCHORS)
_BEGIN = f"{_OPENERS}({_WORD}){_CLOSERS}"
_OPENING = re.compile(_BEGIN + _SEPARATED, re.IGNORECASE)
_ALONE = re.compile(rf"{_BEGIN}[\s:.]*\Z", re.IGNORECASE)
_SECOND = re.compile(rf"{_BEGIN}(?:\s*[/|]\s*|\s+(?:or|to|and)\s+|–)[\s*_]*(?:{_WORD})\b", re.IGNORECASE)
_DENIED = re.compile(rf"{_BEGIN}\s+(?:not|never|isn['’]?t|is\s+not)\b", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_MEANT = {anchor.casefold(): anchor for anchor in ANCHORS}


class AnchoredPrompt(BlockPrompt):
    """Makes the prompts of one block of categories; the system part is the same for every text."""

    def __init__(
        self,
        categories: Sequence[Category],
        *,
        instructions: str = INSTRUCTIONS,
        temperature: float | None = 0.0,
        max_tokens: int | None = None,
    ) -> None:
        n = len(categories)
        super().__init__(
            system=_system(categories, instructions),
            schema=schema(n),
            wanted=f"exactly {n} strings, each beginning with {_listed()}",
            temperature=temperature,
            max_tokens=max_tokens,
        )


def schema(n: int) -> dict[str, Any]:
    """JSON Schema of a reply with `n` analyses."""
    return {
        "type": "object",
        "properties": {"analyses": {"type": "array", "items": {"type": "string"}, "minItems": n, "maxItems": n}},
        "required": ["analyses"],
        "additionalProperties": False,
    }


def described(category: Category, *, between: str = " - ") -> str:
    """Write a category on one line: for the list in a prompt, and for its embedding."""
    parts = [category.name, category.definition, category.detail]
    return between.join(" ".join(part.split()) for part in parts if part.strip())


def _listed() -> str:
    return ", ".join(ANCHORS[:-1]) + f" or {ANCHORS[-1]}"


def _system(categories: Sequence[Category], instructions: str) -> str:
    listed = "\n".join(f"{place}. {described(category)}" for place, category in enumerate(categories, start=1))
    n = len(categories)
    return (
        f"{instructions}\n\n{RULE}\n\nThe categories, in order:\n{listed}\n\n"
        "For each category, write one analysis. It begins with one of five words, in English, and a colon: "
        "Core (it is what the text is about), Strong (clearly there), Reasonable (there, but not in the foreground), "
        "Weak (a trace of it), None (nothing of it). Then say why, in one or two sentences in the text's language. "
        f'Reply with one JSON object and nothing else: {{"analyses": [...]}}, with exactly {n} analyses in the order '
        'of the categories, such as "Weak: ...".'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What a model says about one category.

    Attributes:
        anchor: One of the five words.
        rationale: Why, on one line.
    """

    anchor: str
    rationale: str


class _Parted(msgspec.Struct):
    """An analysis as some models write it, though a string was asked for."""

    anchor: str
    rationale: str


def read_analyses(reply: str, n: int, *, judged: str = "") -> tuple[Analysis, ...]:
    """Check a reply and return its `n` analyses.

    A reply may wrap its JSON in a code fence or in words. An analysis that does not begin with exactly one of the five
    words, or gives no reason, is refused, never guessed. Nor is it what the text that was `judged` says about itself,
    where the model only repeats it.

    Raises:
        BadReply: No JSON object, no list of analyses, a wrong count, or one without an anchor or a reason.
    """
    try:
        analyses = msgspec.convert(object_in(reply, judged=judged).get("analyses"), list[Any])
    except msgspec.ValidationError:
        raise BadReply("the reply has no list of analyses") from None
    if len(analyses) != n:
        raise BadReply(f"the reply has {len(analyses)} analyses instead of {n}")
    return tuple(_analysis(value, place) for place, value in enumerate(analyses, start=1))


def _analysis(value: Any, place: int) -> Analysis:
    if isinstance(value, str):
        anchor, rationale = _opened(value, place)
    else:
        try:
            parted = msgspec.convert(value, _Parted)
        except msgspec.ValidationError:
            raise BadReply(f"analysis {place} is not a text") from None
        found = _ALONE.match(parted.anchor)
        if found is None:
            raise BadReply(f"the anchor of analysis {place} is not {_listed()}")
        anchor, rationale = found[1], parted.rationale
    rationale = _readable(rationale)
    if not rationale:
        raise BadReply(f"analysis {place} gives no reason")
    return Analysis(anchor=_MEANT[anchor.casefold()], rationale=rationale)


def _opened(analysis: str, place: int) -> tuple[str, str]:
    """Divide an analysis into its first word and the rest."""
    head = analysis[:200]
    found = _OPENING.match(analysis)
    if _SECOND.match(head):
        raise BadReply(f"analysis {place} begins with two of the words")
    if found is None:
        raise BadReply(f"analysis {place} does not begin with {_listed()}")
    if _DENIED.match(head):
        raise BadReply(f"analysis {place} denies its own first word")
    return found[1], analysis[found.end() :]


def _readable(rationale: str) -> str:
    """Bring a rationale onto one line of bounded length that every table can hold."""
    whole = _CONTROL.sub(" ", rationale[: 2 * LONGEST].encode("utf-8", "replace").decode())
    line = " ".join(whole.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def _digest(text: str) -> bytes:
    """Name a text by little, whatever its length."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@dataclass(slots=True)
class _Known:
    """What is known about one text, and what it took that nobody has counted."""

    similarities: tuple[float, ...]
    nearness: tuple[float, ...]
    usage: Usage


@dataclass(slots=True)
class _Categories:
    vectors: Vectors | None = None
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    usage: Usage = field(default_factory=Usage)


class Anchoring:
    """Turns the rationales of a row's blocks into scores; many tasks may call it at once.

    It is made of all categories of the row, because similarities are compared among all of them. Categories are
    embedded once, a text once for all its blocks. Give it a `Gathered` embedder, so that many rows share a call.
    """

    def __init__(self, categories: Sequence[Category], embedder: Embedder, *, kept: int = KEPT) -> None:
        """Embed nothing yet.

        Args:
            categories: All of them, in order.
            embedder: Makes vectors of texts.
            kept: Texts whose similarities are remembered.
        """
        self._categories = tuple(categories)
        self._embedder = embedder
        self._kept = kept
        self._own = _Categories()
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def prepare(self, text: str) -> None:
        """Embed a text, so that `scores` need not wait; before a model is asked, a text it fails on costs nothing.

        Raises:
            ItemError: The embedding model turns this text down.
            Later: It may be embedded later.
        """
        await self._know(text)

    async def details(self, text: str, first: int, analyses: Sequence[Analysis]) -> tuple[Scored, ...]:
        """Score the block of categories that begins at number `first`, from 0.

        Raises:
            ItemError: The embedding model turns this text down.
            Later: It may be embedded later.
        """
        with staying():  # a reply is in hand
            known = await self._know(text)
        places = range(first, first + len(analyses))
        return tuple(
            scored(
                analysis.anchor,
                similarity=known.similarities[place],
                r=known.nearness[place],
                category=self._categories[place].name,
                rationale=analysis.rationale,
            )
            for place, analysis in zip(places, analyses, strict=True)
        )

    async def scores(
        self, text: str, first: int, analyses: Sequence[Analysis]
    ) -> tuple[tuple[float, ...], tuple[dict[str, Any], ...]]:
        """Score a block as `details` does: the scores, and what is kept besides as plain values for JSON."""
        cells = await self.details(text, first, analyses)
        return tuple(cell.score for cell in cells), detailed(cells)

    def take_usage(self, text: str) -> Usage:
        """Say what embedding a text took, once: whoever asks first counts it for its row."""
        known = self._known.get(_digest(text))
        if known is None:
            return Usage()
        taken, known.usage = known.usage, Usage()
        return taken

    async def _know(self, text: str) -> _Known:
        digest = _digest(text)
        known = self._known.get(digest)
        if known is None:
            categories = await self._vectors()
            embedded = await self._embedder.embed([text])
            usage = embedded.usage + self._own.usage
            self._own.usage = Usage()
            near = cosines(self._sized(embedded.vectors, like=categories)[0], categories)
            known = self._known.setdefault(digest, _Known(near, stretched(near), Usage()))
            known.usage += usage
            while len(self._known) > self._kept:
                self._known.popitem(last=False)
        return known

    def _sized(self, vectors: Vectors, *, like: Vectors) -> Vectors:
        if vectors.shape[1] != like.shape[1]:
            raise InputError(
                f"{self._embedder.name} gives vectors of {vectors.shape[1]} numbers for texts, and of {like.shape[1]} "
                "for categories: another model has taken its name; remove the cache, then run again."
            )
        return vectors

    async def _vectors(self) -> Vectors:
        if self._own.vectors is None:
            async with self._own.lock:
                if self._own.vectors is None:
                    embedded = await self._embedder.embed([described(each, between=": ") for each in self._categories])
                    self._own.vectors, self._own.usage = embedded.vectors, embedded.usage
        return self._own.vectors
