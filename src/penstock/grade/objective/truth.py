"""True or false: what an answer says, in many languages, as a word, a mark or a sentence.

An answer is cut into clauses. A clause is read when every word in it is known: one word of truth, turned around once
for each denial ("not false" is true). All clauses that are read must agree, and what is not known may only follow a
clear verdict ("False. Water boils at 100."). Anything else is left to a person.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from penstock.errors import InputError, Unfit
from penstock.grade.objective.found import Found, verdict
from penstock.grade.objective.lexicon import BRIEF, COPULAS, LONGEST, SPACED, UNSPACED
from penstock.grade.objective.normal import folded, is_blank, wide
from penstock.grade.objective.phrase import peelings

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 2000  # characters of an answer to a question of true or false
_CLAUSE = re.compile(r"[.,;:!\n。、،؛।]+|\s-+\s")
_GLUED = "\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_GLUED_RUN = re.compile(f"[{_GLUED}]")
_RUN = re.compile(rf"[{_GLUED}]+|[^\s{_GLUED}]+")
_AROUND = "()\"'*_{}<>"
_CIRCLES = frozenset("o○◯〇⭕x×✕✖✗✘❌")
_DIGITS = frozenset("01")
_UNKNOWN = "unknown"


class _Unclear(Exception):
    """The answer says neither or both."""


def judge_truth(answer: str, key: str | bool) -> Found:  # noqa: FBT001  # a key may well be a bool
    """Compare an answer with the key of a question of true or false; both may be in any language.

    Raises:
        InputError: The key is neither true nor false.
        Unfit: The answer cannot be read as one of them.
    """
    expected = key if isinstance(key, bool) else _read_key(key)
    if is_blank(answer):
        return verdict("", _word(value=expected), right=False)
    circled = isinstance(key, str) and folded(key) in _CIRCLES and folded(answer) in _DIGITS
    said = None if circled else read_truth(answer)
    if said is None:
        short = " ".join(answer[:120].split())[:60]
        raise Unfit(f'"{short}" cannot be read as true or false.')
    return verdict(_word(value=said), _word(value=expected), right=said is expected)


def read_truth(text: str) -> bool | None:
    """Read a text that says true or false; None when it says neither, both, or something else."""
    written = wide(text)
    if len(written) > _LONGEST or "?" in written or "؟" in written:
        return None
    for less in peelings(written):
        try:
            return _said(less, whole=less == written)
        except _Unclear:
            continue
    return None


def _read_key(key: str) -> bool:
    value = read_truth(key)
    if value is None:
        raise InputError(f"The key {key[:60]!r} is neither true nor false.")
    return value


def _word(*, value: bool) -> str:
    return "true" if value else "false"


def _said(text: str, *, whole: bool) -> bool:
    verdicts: list[bool] = []
    for clause in _CLAUSE.split(folded(text)):
        words = list(_words(clause))
        kinds = [kind for _, kind in words]
        if "reason" in kinds:
            verdicts += _verdicts(words[: kinds.index("reason")], whole=whole)
            break
        if _UNKNOWN in kinds and verdicts and not {"true", "false", "deny", "half"} & set(kinds):
            continue
        verdicts += _verdicts(words, whole=whole)
    if len(set(verdicts)) != 1:
        raise _Unclear
    return verdicts[0]


def _words(clause: str) -> Iterator[tuple[str, str]]:
    """List the words of a clause, each with its class."""
    for found in _RUN.finditer(clause):
        run = found[0]
        if _GLUED_RUN.match(run):
            yield from _glued(run)
        elif word := _stripped(run):
            yield word, SPACED.get(word, _UNKNOWN)


def _stripped(word: str) -> str:
    """Take brackets and quotes off; a cross in square brackets is a box that is ticked, and stays."""
    word = word.strip(_AROUND)
    return word if word == "[x]" else word.strip("[]")


def _glued(run: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(run):
        for length in range(min(LONGEST, len(run) - at), 0, -1):
            kind = UNSPACED.get(run[at : at + length])
            if kind:
                yield run[at : at + length], kind
                break
        else:
            length = 1
            yield run[at], _UNKNOWN
        at += length


def _verdicts(words: list[tuple[str, str]], *, whole: bool) -> list[bool]:
    """Read a clause: nothing, one verdict, or two where a "no" stands before a sentence of its own."""
    if words and words[0][1] == "no" and not (len(words) > 1 and words[1][0] in COPULAS):
        following = _verdicts(words[1:], whole=whole)
        if len(words) > 1 and not following:
            raise _Unclear  # "no answer"
        return [False, *following]
    kinds = ["deny" if kind == "no" else kind for _, kind in words if kind != "pass"]
    denials, said = kinds.count("deny"), [kind == "true" for kind in kinds if kind in {"true", "false"}]
    if {_UNKNOWN, "half"} & set(kinds) or len(set(said)) > 1 or (denials and ("full" in kinds or len(said) > 1)):
        raise _Unclear
    if said:
        return [said[0] ^ (denials % 2 == 1)]
    if denials:
        return [_denied(words, whole=whole)]
    return [True] if "is" in kinds else []


def _denied(words: list[tuple[str, str]], *, whole: bool) -> bool:
    """Read a denial that is a whole answer ("it is not"): false; "no answer" or "not not" are no verdict."""
    rest = {word for word, kind in words if kind not in {"deny", "no"}}
    is_one = sum(kind in {"deny", "no"} for _, kind in words) == 1
    if not whole or not is_one or not rest <= BRIEF or ("think" in rest and "so" not in rest):
        raise _Unclear
    return False
