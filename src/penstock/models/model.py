"""A model answers prompts; everything that does so has this one shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.flow.ratelimits import RateLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file that the model's server holds, such as a video, for a prompt to point at.

    Attributes:
        uri: Where the server keeps it; good for as long as the server says.
        mime_type: What it is, such as `video/mp4`.
        digest: Hexadecimal digest of its content: what an answer is remembered by, since addresses change.
    """

    uri: str
    mime_type: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model is asked.

    Attributes:
        system: The instructions, the same for many items.
        user: The item itself, fenced.
        schema: JSON Schema that the reply must fit, for servers that can hold to one.
        temperature: 0 for the likeliest answer; None leaves it to the server.
        max_tokens: Longest reply; None leaves it to the server.
        draw: Which of several independent replies to the same question this is; it is remembered apart, not sent.
        media: Files to look at before the text, for models that take any.
    """

    system: str
    user: str
    schema: Mapping[str, Any] | None = None
    temperature: float | None = 0.0
    max_tokens: int | None = None
    draw: int = 0
    media: tuple[Media, ...] = ()

    @property
    def tokens(self) -> int:
        """A rough size in tokens, before the server has counted: four bytes a token, a short reply, and no files."""
        return (len(self.system) + len(self.user.encode())) // 4 + 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model answered.

    Attributes:
        text: The answer as it came.
        model: Name of the model that made it.
        usage: What the server says it took, earlier failed tries included.
        limits: What the server said about its limits along the way.
    """

    text: str
    model: str
    usage: Usage = field(default_factory=lambda: Usage(calls=1))
    limits: RateLimits | None = None


class Model(Protocol):
    """Anything that answers prompts: a hosted API, a server of one's own, a test script."""

    @property
    def name(self) -> str:
        """`provider/model`: what a verdict says it was made by."""
        ...

    @property
    def identity(self) -> str:
        """Everything about the model that changes its answers; part of the cache key."""
        ...

    async def ask(self, prompt: Prompt, /) -> Reply:
        """Answer one prompt; many tasks may call it at once.

        Raises:
            ItemError: This prompt cannot be answered.
            Later: It may be answered later.
            Refused: The account is turned away; nothing will be answered.
        """
        ...
