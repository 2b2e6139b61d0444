"""Everything that decides what a score job does; written into the ledger as it is, so it holds no secret."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from penstock.errors import InputError
from penstock.jobs import settings
from penstock.judge.category import Category
from penstock.judge.numeric import INSTRUCTIONS
from penstock.models.prices import Price, price_of
from penstock.models.spec import ModelSpec
from penstock.tables.google import SheetLayout

Count = Annotated[int, Meta(ge=1)]
Above0 = Annotated[float, Meta(gt=0)]


class ScoreConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A score job, whole.

    Attributes:
        source: Absolute path of the table, or the address of a Google sheet.
        text: Name of the column that is judged; in a Google sheet its letter.
        categories: What it is judged against.
        output: Absolute path of the scored table; empty for a Google sheet that takes its scores itself.
        models: The model and its fallbacks, settled; none means the embedded judge.
        examples: Absolute path of labelled examples for the embedded judge; empty for none.
        examples_text: Their text column, where it is called otherwise.
        instructions: First sentence of the prompt.
        block: Categories asked for in one call.
        chunk_rows: Rows per chunk.
        retry_limit: New tries of a chunk with items that failed for now.
        asks: How often each model is asked while its replies fail the check.
        cache: Whether answers are remembered.
        cache_ttl: Seconds an answer is good for.
        cache_entries: Most answers kept.
        encoding: Of the source, where it must be said.
        delimiter: Of the source, where it must be said.
        sheet: Of an Excel file, where it is not the first; the tab of a Google sheet.
        prefix: Put before the names of all added columns.
        mode: `numeric`: the model gives the numbers; `anchored`: it gives rationales, which are turned into numbers.
        embeddings: The model that places texts and categories for rationales; None for the vectors of this package.
        samples: Independent replies per call; the scores are their means.
        video: Whether the column holds videos: links, or paths where the table is a file.
        video_mb: Largest video, in MB.
        video_timeout: Seconds for one download.
        private: Whether videos may lie at private addresses.
        limit: Only this many rows, the first ones.
        sample: Only this many rows, drawn by lot, the same each time.
        prices: Absolute path of a price file of the user's own; empty for none.
        usage: Whether calls, tokens and cost of each row become columns.
        batch: Whether the provider's batch API is used: half the price, hours to wait.
        batch_lines: Requests in one batch at most.
        layout: Where things stand in a Google sheet; None for a file.
        rationales: Tab of the Google sheet that takes the rationales.
        flush_interval: Seconds that a score waits at most before it is sent to the sheet.
        flush_count: Scored items that are sent earlier.
        writes_per_minute: Calls that write to the sheet; Google allows 60 per person.
    """

    source: str
    text: str
    categories: tuple[Category, ...]
    output: str
    models: tuple[ModelSpec, ...] = ()
    examples: str = ""
    examples_text: str = ""
    instructions: str = INSTRUCTIONS
    block: Count = 10
    chunk_rows: Count = 500
    retry_limit: Annotated[int, Meta(ge=0)] = 3
    asks: Count = 3
    cache: bool = True
    cache_ttl: Above0 = 86_400.0
    cache_entries: Count = 10_000
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    prefix: str = ""
    mode: Literal["numeric", "anchored"] = "numeric"
    embeddings: ModelSpec | None = None
    samples: Annotated[int, Meta(ge=1, le=100)] = 1
    video: bool = False
    video_mb: Annotated[float, Meta(gt=0, le=2048)] = 2048.0
    video_timeout: Above0 = 120.0
    private: bool = False
    limit: Count | None = None
    sample: Count | None = None
    prices: str = ""
    usage: bool = False
    batch: bool = False
    batch_lines: Annotated[int, Meta(ge=1, le=50_000)] = 20_000
    layout: SheetLayout | None = None
    rationales: str = ""
    flush_interval: Above0 = 2.0
    flush_count: Count = 50
    writes_per_minute: Above0 = 55.0

    @property
    def blocks(self) -> list[tuple[Category, ...]]:
        """The categories in the groups that are judged together; the embedded judge takes them all at once."""
        size = self.block if self.models else len(self.categories)
        return [self.categories[start : start + size] for start in range(0, len(self.categories), size)]

    @property
    def paid(self) -> list[ModelSpec]:
        """The models whose calls cost money: those that judge, and the one that embeds."""
        return [*self.models, *([self.embeddings] if self.embeddings else [])]

    def price(self, spec: ModelSpec) -> Price | None:
        """What a model costs; None where that is not known."""
        return price_of(spec, path=Path(self.prices) if self.prices else None)

    @property
    def source_name(self) -> str:
        """What the table is called in messages and pages."""
        return f"Google sheet {self.sheet!r}" if self.layout else PurePath(self.source).name

    @property
    def fingerprint(self) -> str:
        """Equal for equal commands."""
        return settings.fingerprint(self)

    def encoded(self) -> str:
        """Write the configuration as JSON."""
        return settings.encoded(self)

    @classmethod
    def decode(cls, config: str) -> ScoreConfig:
        """Read a configuration that a ledger kept.

        Raises:
            InputError: It was written by a version that knew other settings.
        """
        return settings.decoded(config, cls)

    @classmethod
    def checked(cls, **given: Any) -> ScoreConfig:
        """Make a configuration, checking every value.

        Raises:
            InputError: A value is out of its range, or cannot be kept in a ledger.
        """
        config = settings.checked(given, cls)
        config.check_together()
        return config

    def check_together(self) -> None:
        """Make sure that what was asked for goes together.

        Raises:
            InputError: It does not; says what to leave away.
        """
        for wrong, sentence in (
            (self.mode == "anchored" and not self.models, "Rationales come from a model: give one (--model)."),
            (self.samples > 1 and not self.models, "The local judge always says the same: leave --samples away."),
            (self.batch and not self.models, "The local judge needs no batches: leave --batch away."),
            (bool(self.embeddings) and self.mode != "anchored", "Embeddings belong to --mode anchored."),
            (bool(self.rationales) and self.mode != "anchored", "A tab for rationales belongs to --mode anchored."),
            (
                bool(self.rationales) and (self.layout is None or bool(self.output)),
                "Only a Google sheet that takes its scores has tabs: leave --rationales away.",
            ),
            (
                self.layout is not None and not self.output and bool(self.prefix or self.usage),
                "A Google sheet takes its scores and nothing else: leave --prefix and --usage away, or give --output.",
            ),
            (
                self.layout is not None and bool(self.encoding or self.delimiter),
                "A Google sheet has no encoding and no delimiter: leave --encoding and --delimiter away.",
            ),
            (self.video and self.mode == "anchored", "Rationales are made of texts: leave --video or --mode away."),
            (self.video and self.batch, "Videos are not sent in batches: leave --video or --batch away."),
            (
                self.video and any(spec.provider != "gemini" for spec in self.models),
                "Videos are judged by Gemini models only: give --model gemini/NAME, and such fallbacks.",
            ),
            (
                self.video and len({(spec.base_url, spec.key_variable) for spec in self.models}) > 1,
                "An uploaded video is seen by one account only: give fallbacks the address and key of the model.",
            ),
            (self.video and not self.models, "Videos are judged by a model: give --model gemini/NAME."),
            (
                self.batch and any(spec.provider != "openai" for spec in self.models),
                "Batches are sent to OpenAI-compatible servers only: give --model openai/NAME.",
            ),
            (self.batch and len(self.models) > 1, "A batch has one model: leave --fallback away."),
        ):
            if wrong:
                raise InputError(sentence)
