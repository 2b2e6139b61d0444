"""A request for a chat completion, as far as the test server reads it."""

from __future__ import annotations

import hashlib
import re

import msgspec

_FENCE = re.compile(r"^<<<(?P<nonce>[0-9A-Fa-f]{16,32})\n(?P<data>[^\n]*)\n(?P=nonce)>>>$", re.MULTILINE)


class Part(msgspec.Struct, frozen=True):
    """A part of a message; only texts are read."""

    text: str = ""


class Message(msgspec.Struct, frozen=True):
    """A message: its content is a text or a list of parts."""

    role: str
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """All that the message says."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""

    @property
    def fenced(self) -> str | None:
        """The line between the marks of a fence, where a user's message has one."""
        fence = _FENCE.search(self.text) if self.role == "user" else None
        return fence and fence["data"]


class Format(msgspec.Struct, frozen=True):
    """What the answer must look like."""

    type: str = "text"


class Chat(msgspec.Struct, frozen=True):
    """The fields of the request that matter here; others are let through."""

    model: str
    messages: list[Message]
    response_format: Format | None = None
    stream: bool | None = None

    @property
    def wants(self) -> str:
        """The type of `response_format`, `text` where there is none."""
        return "text" if self.response_format is None else self.response_format.type

    @property
    def key(self) -> bytes:
        """16 bytes that are the same whenever the same model is asked about the same thing.

        Of a message with a fence only the fenced line counts: neither the nonce nor a reminder around it.
        """
        told = "\0".join(f"{message.role}\0{message.fenced or message.text}" for message in self.messages)
        return hashlib.blake2b(_bytes(f"{self.model}\0{told}"), digest_size=16).digest()

    @property
    def tokens(self) -> int:
        """Its size, counted simply: as `tokens` does, and four more per message."""
        return sum(4 + tokens(message.text) for message in self.messages)


def tokens(text: str) -> int:
    """Count the tokens of a text simply: four bytes of UTF-8 each."""
    return (len(_bytes(text)) + 3) // 4


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
