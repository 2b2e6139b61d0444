"""A cell: how its value is shown to a judge, and how it is made safe for a spreadsheet."""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime, time
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
# What a spreadsheet may take for a formula, after optional spaces; full-width signs count in Japanese settings.
_FORMULA = re.compile(r" *[=+\-@\t\r＝＋－＠]")
_SUSPECT = frozenset(" =+-@\t\r＝＋－＠")
_NUMBER = re.compile(r" *[+-]?(\d[\d,]*\.?\d*|\.\d+)([eE][+-]?\d+)?%? *")


def text_of(cell: Any) -> str:
    """Show a cell as a text: None and NaN are empty, 3.0 is "3", dates are ISO, lists and objects are JSON."""
    if isinstance(cell, str):
        return whole(cell)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return _text_of_float(cell)
    return _text_of_other(cell)


def whole(text: str) -> str:
    """Replace what is not a character (a stray byte, half of a surrogate pair) by U+FFFD."""
    return text if is_whole(text) else _SURROGATE.sub("\ufffd", text)


def is_whole(text: str) -> bool:
    """Say whether every character of a text is one: no stray byte, no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def harmless(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would take for a formula.

    Plain numbers stay as they are; a text that was made harmless before begins with the apostrophe and stays, too.
    """
    if text[:1] in _SUSPECT and _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def to_json(cell: Any) -> Any:
    """Give the JSON encoder a value it knows in place of one it does not (a date, a decimal, bytes)."""
    return text_of(cell)


def _text_of_float(cell: float) -> str:
    if math.isnan(cell):
        return ""
    return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)


def _text_of_other(cell: Any) -> str:
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, dict | list | tuple):
        return whole(json.dumps(cell, ensure_ascii=False, default=to_json))
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    return whole(str(cell))
