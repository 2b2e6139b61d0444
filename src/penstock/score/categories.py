"""Categories as users write them: in a YAML file, as names, or as mappings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import InputError
from penstock.judge.category import Category
from penstock.judge.numeric import INSTRUCTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

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
