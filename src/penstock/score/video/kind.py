"""Tells by its first bytes which kind of video a file is: names and servers say anything.

Source: the kinds that Gemini takes, https://ai.google.dev/gemini-api/docs/video-understanding; the first bytes from
ISO/IEC 14496-12 (`ftyp`), RFC 9559 (Matroska, WebM), and the formats' own documents.
"""

from __future__ import annotations

from penstock.errors import Unfit

LOOKED_AT = 4096
"""Bytes at the beginning of a file that are enough."""

SUPPORTED = "MP4, MPEG, MOV, AVI, FLV, WebM, WMV and 3GPP"

_STILL = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"crx "}
_SOUND = {b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "}
_BOXES = {b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof"}
_STARTS = (
    (b"FLV\x01", "video/x-flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "video/wmv"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"\x00\x00\x01\xb3", "video/mpeg"),
)
_OTHERS = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"ID3", "a sound file"),
    (b"OggS", "an Ogg file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a compressed file"),
)


def video_type(head: bytes, *, name: str = "") -> str:
    """Return the type of a video, such as `video/mp4`.

    Args:
        head: The first bytes of the file: `LOOKED_AT` of them, or all.
        name: Its name, which decides only where the bytes leave it open.

    Raises:
        Unfit: It is no video, or one of a kind that is not taken.
    """
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "video/avi"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _matroska(head)
    if head[4:8] == b"ftyp":
        return _branded(head[8:12])
    if head[4:8] in _BOXES:  # QuickTime before it had brands, and parts of MP4 streams
        return "video/mov" if name.lower().endswith((".mov", ".qt")) else "video/mp4"
    raise _unsupported(_seems(head))


def _matroska(head: bytes) -> str:
    if b"webm" in head[:LOOKED_AT]:
        return "video/webm"
    raise _unsupported("a Matroska video")


def _branded(brand: bytes) -> str:
    if brand == b"qt  ":
        return "video/mov"
    if brand[:3] in {b"3gp", b"3g2", b"3ge", b"3gg"}:
        return "video/3gpp"
    if brand in _STILL:
        raise _unsupported("a picture")
    if brand in _SOUND:
        raise _unsupported("a sound file")
    return "video/mp4"


def _seems(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        return "a web page"
    if head[:1] == b"\x47" and head[188:189] in {b"\x47", b""}:
        return "an MPEG transport stream"
    return next((words for begin, words in _OTHERS if head.startswith(begin)), "no video that is known")


def _unsupported(what: str) -> Unfit:
    return Unfit(f"the file is {what}, which is not supported; supported are {SUPPORTED}")
