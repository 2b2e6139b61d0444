"""Reads an HTML page like a browser does, for tests of pages."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta"}
OUTSIDE = {"script", "link", "img", "iframe", "object", "embed", "base", "form"}


class Page(HTMLParser):
    """What a browser would find in a page: elements in order, and whether they close as they should."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.source = source
        self.elements = []
        self.open = []
        self.words = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    @property
    def tags(self):
        return Counter(tag for tag, _ in self.elements)

    def all(self, tag, **attributes):
        return [found for name, found in self.elements if name == tag and attributes.items() <= found.items()]

    def needs(self):
        """List what would be loaded, run or sent."""
        found = [tag for tag, _ in self.elements if tag in OUTSIDE]
        found += [name for _, attributes in self.elements for name in attributes if name in {"src", "href"}]
        found += [name for _, attributes in self.elements for name in attributes if name.startswith("on")]
        return found + [word for word in ("http://", "https://", "url(", "@import") if word in self.source]
