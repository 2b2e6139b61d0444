"""How many tokens a text has, roughly and without a tokenizer: counted by script.

The large models' tokenizers of today take about a quarter of a token for an ASCII character, and more for scripts that
they have seen less of. What a server really counts is known as soon as it has been asked; this is for before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.models.model import Prompt

ASCII = 0.25
"""Tokens of an ASCII character."""

UNSHAPED = 256
"""Tokens that a reply is taken to have where no schema says its shape."""

_NUMBER = 4.0  # 0.42 and a comma
_SENTENCES = 45.0  # a string of a reply: one or two sentences
_NAME = 3.0  # of a property, with its quotes
_OTHER = 2.0  # emoji and rare signs take several bytes, and a token for each few of them

_SCRIPTS = {
    "ascii": ("\x00-\x7f", ASCII),
    "alphabet": ("\x80-\u058f\u10a0-\u10ff\u1e00-\u1fff\u2000-\u206f", 0.4),
    "abjad": ("\u0590-\u08ff", 0.4),
    "indic": ("\u0900-\u0dff", 0.45),
    "runs": ("\u0e00-\u109f\u1780-\u17ff", 0.5),
    "kana": ("\u3000-\u30ff\uff00-\uffef", 0.75),
    "han": ("㐀-鿿\uf900-\ufaff", 0.9),
    "hangul": ("\u1100-\u11ff\u3130-\u318f\uac00-\ud7af", 0.65),
}
_KINDS = [f"(?P<{name}>[{signs}]+)" for name, (signs, _) in _SCRIPTS.items()]
_RUN = re.compile("|".join([*_KINDS, "(?P<other>.)"]), re.DOTALL)
_WEIGHTS = {**{name: weight for name, (_, weight) in _SCRIPTS.items()}, "other": _OTHER}


def text_tokens(text: str) -> float:
    """Estimate the tokens of a text."""
    if text.isascii():
        return len(text) * ASCII
    return sum(_WEIGHTS[run.lastgroup or "other"] * (run.end() - run.start()) for run in _RUN.finditer(text))


def prompt_tokens(prompt: Prompt) -> float:
    """Estimate the tokens of a prompt without its files: both parts, and the few that frame them."""
    return text_tokens(prompt.system) + text_tokens(prompt.user) + 8


def reply_tokens(prompt: Prompt) -> float:
    """Estimate the tokens of the reply from the shape that is asked for; thinking is not foreseen."""
    expected = _shaped(prompt.schema) + 2 if prompt.schema is not None else float(UNSHAPED)
    return min(expected, prompt.max_tokens) if prompt.max_tokens else expected


def _shaped(schema: Mapping[str, Any]) -> float:
    kind = schema.get("type")
    if kind == "object":
        return sum(_NAME + _shaped(inner) for inner in schema.get("properties", {}).values())
    if kind == "array":
        return (schema.get("minItems") or 1) * _shaped(schema.get("items") or {})
    return _SENTENCES if kind == "string" else _NUMBER
