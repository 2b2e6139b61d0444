"""Videos are told by their first bytes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import Unfit
from penstock.score.video.kind import video_type
from penstock.testing.gemini.videos import sample_video

VIDEOS = {
    "video/mp4": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00",
    "video/mov": b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00",
    "video/3gpp": b"\x00\x00\x00\x14ftyp3gp5\x00\x00\x02\x00",
    "video/webm": b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87",
    "video/avi": b"RIFF\x00\x10\x00\x00AVI LIST",
    "video/x-flv": b"FLV\x01\x05\x00\x00\x00\x09",
    "video/wmv": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c\x00",
    "video/mpeg": b"\x00\x00\x01\xba\x44\x00\x04\x00",
}
OTHERS = {
    "a web page": b"\n<!DOCTYPE html><html>",
    "a picture": b"\x89PNG\r\n\x1a\n",
    "a sound file": b"\x00\x00\x00\x20ftypM4A \x00\x00",
    "a Matroska video": b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska",
    "an MPEG transport stream": b"\x47" + b"\x00" * 187 + b"\x47\x00",
    "a ZIP archive": b"PK\x03\x04\x14\x00",
    "no video that is known": b"comment,author\n",
}


@pytest.mark.parametrize("kind", VIDEOS)
def test_a_supported_video_is_known_by_its_first_bytes(kind):
    assert video_type(VIDEOS[kind], name="anything.bin") == kind


@pytest.mark.parametrize("what", OTHERS)
def test_the_sentence_names_what_it_is_and_what_is_supported(what):
    with pytest.raises(Unfit, match=f"the file is {what}, which is not supported; supported are MP4"):
        video_type(OTHERS[what], name="video.mp4")


def test_the_name_decides_where_the_bytes_leave_it_open():
    old = b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat"
    assert video_type(old, name="A.MOV") == "video/mov"
    assert video_type(old, name="a.mp4") == "video/mp4"


def test_a_sample_of_the_tests_is_taken_for_a_video():
    assert video_type(sample_video("ferry")) == "video/mp4"


@given(st.binary(max_size=300), st.text(max_size=20))
def test_any_bytes_are_a_supported_video_or_are_refused(head, name):
    kinds = []
    with suppress(Unfit):
        kinds.append(video_type(head, name=name))
    assert set(kinds) <= VIDEOS.keys()
