"""Reads `multipart/form-data` (RFC 7578) as a value: a body in, its parts by name out."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message


class NoForm(Exception):
    """The body is not the form that its header announces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One part of a form."""

    content: bytes
    filename: str = ""

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8", "replace")


def read_form(body: bytes, *, content_type: str) -> dict[str, Field]:
    """Return the fields of a form by name; of two with one name the last.

    Raises:
        NoForm: It is another type, or breaks off.
    """
    boundary = _parameter(content_type, "content-type", "boundary")
    if not content_type.lower().startswith("multipart/form-data") or not boundary:
        raise NoForm("expected multipart/form-data with a boundary")
    mark = b"\r\n--" + boundary.encode("latin-1")
    pieces = (b"\r\n" + body).split(mark)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise NoForm("the form breaks off before its last boundary")
    return dict(_field(piece) for piece in pieces[1:-1])


def _field(piece: bytes) -> tuple[str, Field]:
    head, gap, content = piece.partition(b"\r\n\r\n")
    if not gap:
        raise NoForm("a part has no end of its headers")
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            named = _parameter(value, "content-disposition", "name")
            return named, Field(content=content, filename=_parameter(value, "content-disposition", "filename"))
    raise NoForm("a part has no name")


def _parameter(value: str, header: str, name: str) -> str:
    message = Message()
    message[header] = value.strip()
    found = message.get_param(name, "", header=header)
    return found if isinstance(found, str) else ""
