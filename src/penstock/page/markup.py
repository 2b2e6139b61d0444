"""HTML from values: what is not markup already is escaped, so that no text of others becomes part of the page."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = Markup | str | None


def element(name: str, /, *children: Child, **attributes: str | int | None) -> Markup:
    """Make an element.

    Args:
        name: Its tag.
        *children: Markup as it is, other text escaped; None is left out.
        **attributes: Escaped; None is left out. `class_` is written `class`, and `aria_label` `aria-label`.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[Child], *, by: str = "") -> Markup:
    """Write children one after the other: markup as it is, other text escaped; None is left out."""
    return Markup(
        by.join(child if isinstance(child, Markup) else escape(child) for child in children if child is not None)
    )


def escape(text: str) -> Markup:
    """Write text so that a page shows it; characters that no page may hold become U+FFFD."""
    return Markup(html.escape(_UNSEEN.sub("\ufffd", text)))


def foreign(text: str, *, longest: int = 300) -> Markup:
    """Write text of a table, a server or a user: escaped, cut off where too long, its direction kept to itself."""
    return element("bdi", text if len(text) <= longest else f"{text[: longest - 1]}…")
