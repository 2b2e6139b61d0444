"""How relevant the documents of each query are: read from a learning-to-rank file, or made up.

Learning-to-rank files (LETOR, SVMlight) have one document a line: its grade, its query, its features:

    2 qid:10 1:0.03 2:0.00 5:0.44 # anything

Features that are left out are 0. Where lines have no `qid`, a second file gives the number of lines of each query.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from penstock.errors import InputError
from penstock.interleave.simulation.clicks import GRADES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.random import Generator

    from penstock.interleave.simulation.clicks import Floats, Grades

GRADE_SHARES = (0.515, 0.325, 0.134, 0.018, 0.008)
"""How often made-up documents have each grade: as in the public sets of judged web pages, most are not relevant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """The documents of each query.

    Attributes:
        grades: For each query the grades of its documents, 0 to 4, shape (n_documents,).
        features: By number, for each query the values of its documents, shape (n_documents,).
        words: Where this comes from, for people.
    """

    grades: tuple[Grades, ...]
    features: Mapping[int, tuple[Floats, ...]]
    words: str


def generated(queries: int, documents: int, rng: Generator) -> Relevance:
    """Make up the grades of as many documents for each query.

    Raises:
        InputError: There would be nothing to rank.
    """
    if queries < 1 or documents < 2:
        raise InputError(f"{queries} queries with {documents} documents each give no lists: ask for 1 and 2 at least.")
    drawn = rng.choice(GRADES, p=GRADE_SHARES, size=(queries, documents)).astype(np.int8)
    words = f"made up: {queries:,} queries with {documents:,} documents each"
    return Relevance(grades=tuple(drawn), features={}, words=words)


def read_letor(path: Path, *, sizes: Path | None = None, features: Iterable[int] = ()) -> Relevance:
    """Read a learning-to-rank file.

    Args:
        path: The file.
        sizes: A file with the number of lines of each query, one a line, for files without `qid`.
        features: Numbers of the features that are wanted; no others are kept.

    Raises:
        InputError: A file cannot be read or does not say what it should.
    """
    wanted = tuple(dict.fromkeys(features))
    documents = list(_documents(path, frozenset(wanted)))
    if not documents:
        raise InputError(f"{path} has no documents: give a file with one a line, as '2 qid:10 1:0.03 2:0.5'.")
    groups = _by_size(documents, _sizes(sizes), path, sizes) if sizes is not None else _by_query(documents, path)
    for feature in wanted:
        if not any(feature in values for _, _, values in documents):
            raise InputError(f"No line of {path} has the feature {feature}: its ranking would be by chance.")
    return Relevance(
        grades=tuple(np.array([grade for grade, _, _ in group], dtype=np.int8) for group in groups),
        features={
            feature: tuple(np.array([values.get(feature, 0.0) for _, _, values in group]) for group in groups)
            for feature in wanted
        },
        words=f"{path.name}: {len(groups):,} queries, {len(documents):,} documents",
    )


_Document = tuple[int, str | None, dict[int, float]]  # grade, query, features


def _documents(path: Path, wanted: frozenset[int]) -> Iterator[_Document]:
    for number, line in _lines(path):
        tokens = line.partition("#")[0].split()
        if not tokens:
            continue
        try:
            yield _document(tokens, wanted)
        except ValueError as error:
            raise InputError(
                f"Line {number:,} of {path} is not 'grade qid:query feature:value ...' with a grade from 0 to "
                f"{GRADES - 1}: {line.strip()[:60]!r}."
            ) from error


def _document(tokens: Sequence[str], wanted: frozenset[int]) -> _Document:
    """Take one line apart; raises ValueError where it is not what it should be."""
    grade = float(tokens[0])
    if grade not in range(GRADES):
        raise ValueError(tokens[0])
    query: str | None = None
    values: dict[int, float] = {}
    for token in tokens[1:]:
        name, colon, value = token.partition(":")
        if not colon:
            raise ValueError(token)
        if name == "qid":
            query = value
        elif (feature := int(name)) in wanted:
            values[feature] = _finite(value)
    return int(grade), query, values


def _finite(words: str) -> float:
    value = float(words)
    if not np.isfinite(value):
        raise ValueError(words)
    return value


def _by_query(documents: Sequence[_Document], path: Path) -> list[list[_Document]]:
    groups: defaultdict[str, list[_Document]] = defaultdict(list)
    for document in documents:
        if document[1] is None:
            raise InputError(f"{path} has lines without qid: give the file with the sizes of the queries (--query).")
        groups[document[1]].append(document)
    return list(groups.values())


def _by_size(documents: Sequence[_Document], sizes: Sequence[int], path: Path, given: Path) -> list[list[_Document]]:
    if sum(sizes) != len(documents):
        raise InputError(f"{given} counts {sum(sizes):,} lines, and {path} has {len(documents):,}: they do not belong.")
    rest = iter(documents)
    return [list(islice(rest, size)) for size in sizes]


def _sizes(path: Path) -> list[int]:
    sizes: list[int] = []
    for number, line in _lines(path):
        if not line.strip():
            continue
        if not line.strip().isdecimal() or not int(line):
            raise InputError(f"Line {number:,} of {path} is no number of documents: {line.strip()[:60]!r}.")
        sizes.append(int(line))
    return sizes


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8") as file:
            yield from enumerate(file, start=1)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}."
        ) from error
