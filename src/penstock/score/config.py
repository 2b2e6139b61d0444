"""Everything that decides what a score job does; written into the ledger as it is, so it holds no secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from penstock.errors import InputError
from penstock.jobs import settings
from penstock.judge.category import Category
from penstock.judge.numeric import INSTRUCTIONS
from penstock.models.session import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

Count = Annotated[int, Meta(ge=1)]
_UNKNOWN = re.compile("unknown field `(.*?)`")
LONGEST_FILE = 4 * 1024 * 1024
MOST_CATEGORIES = 200


class _Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str | int | float | bool
    definition: str = ""
    detail: str = ""


class CategoriesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The layout of a categories file."""

    categories: list[Any]
    instructions: str = INSTRUCTIONS


class ScoreConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A score job, whole.

    Attributes:
        source: Absolute path of the table.
        text: Name of the column that is judged.
        categories: What it is judged against.
        output: Absolute path of the scored table.
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
        sheet: Of an Excel file, where it is not the first.
        prefix: Put before the names of all added columns.
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
    cache_ttl: Annotated[float, Meta(gt=0)] = 86_400.0
    cache_entries: Count = 10_000
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    prefix: str = ""

    @property
    def blocks(self) -> list[tuple[Category, ...]]:
        """The categories in the groups that are judged together; the embedded judge takes them all at once."""
        size = self.block if self.models else len(self.categories)
        return [self.categories[start : start + size] for start in range(0, len(self.categories), size)]

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
        return settings.checked(given, cls)


def read_categories(path: Path | str) -> tuple[tuple[Category, ...], str]:
    """Read categories, and the instructions to the model where there are any, from a YAML file.

    Raises:
        InputError: The file cannot be read, has an unknown key, no category, or one twice.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"The categories file {path} cannot be read: {error.strerror}.") from error
    if len(content) > LONGEST_FILE:
        raise InputError(f"The categories file {path} is larger than {LONGEST_FILE // 2**20} MB.")
    try:
        found: Any = msgspec.yaml.decode(content)
        file = msgspec.convert({"categories": found} if isinstance(found, list) else found, CategoriesFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The categories file {path} cannot be used: {_told(error, CategoriesFile)}.") from error
    return name_categories(file.categories, where=str(path)), file.instructions


def name_categories(given: Sequence[Any], *, where: str) -> tuple[Category, ...]:
    """Make categories of names, mappings or categories.

    Raises:
        InputError: There are none, too many, one without a name, or one twice.
    """
    categories = tuple(_category(one, place, where) for place, one in enumerate(given, start=1))
    if not categories:
        raise InputError(f"There are no categories in {where}.")
    if len(categories) > MOST_CATEGORIES:
        raise InputError(f"There are {len(categories)} categories in {where}; at most {MOST_CATEGORIES} can be scored.")
    seen: set[str] = set()
    for place, category in enumerate(categories, start=1):
        if not category.name:
            raise InputError(f"Category {place} in {where} has no name.")
        if category.name in seen:
            raise InputError(f"The category {category.name!r} stands twice in {where}.")
        seen.add(category.name)
    return categories


def _category(given: Any, place: int, where: str) -> Category:
    if isinstance(given, Category):
        return given
    if isinstance(given, str):
        return Category(name=given.strip())
    try:
        read = msgspec.convert(given, _Category, from_attributes=True)
    except msgspec.ValidationError as error:
        raise InputError(f"Category {place} in {where} cannot be used: {_told(error, _Category)}.") from error
    return Category(name=str(read.name).strip(), definition=read.definition, detail=read.detail)


def _told(error: Exception, layout: type[msgspec.Struct]) -> str:
    """Say in one line what is wrong with a file; a key that is unknown is told with the ones that are known."""
    line = " ".join(str(error).split()).rstrip(".")
    unknown = _UNKNOWN.search(line)
    if unknown is None:
        return line
    known = ", ".join(layout.__struct_fields__)
    return f"it has an unknown key {unknown[1]!r}; known are {known}"
