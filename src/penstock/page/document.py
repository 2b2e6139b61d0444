"""The frame of a page: one file with its style inside, which loads and runs nothing."""

from __future__ import annotations

from importlib.resources import files

from penstock.page.markup import Child, Markup, element

# Should a text of others ever become part of the page, it can still load and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def document(title: str, *body: Child, style: str = "") -> str:
    """Make a whole page that needs nothing from outside.

    Args:
        title: Its title.
        *body: What it shows: a header, the main part, a footer.
        style: CSS of its own, after that of all pages.
    """
    whole = element("html", _head(title, style), element("body", *body), lang="en")
    return f"<!doctype html>\n{whole}\n"


def _head(title: str, style: str) -> Markup:
    general = files("penstock.page").joinpath("page.css").read_text(encoding="utf-8")
    return element(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        element("title", title),
        element("style", Markup(general + style)),
    )
