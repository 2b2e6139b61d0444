from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.testing.wire import MAX_BODY, MAX_HEAD, Inbox, Malformed, Response

POST = b"POST /v1/x?y=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;note=1\r\nde\r\n0\r\n\r\n"
TRAILED = b"POST /t HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\nx: y\r\n\r\n"
GET = b"GET /health HTTP/1.1\r\n\r\n"


def requests_in(inbox):
    found = []
    while (request := inbox.next()) is not None:
        found.append((request.method, request.path, request.body))
    return found


@given(
    st.lists(st.sampled_from([POST, CHUNKED, TRAILED, GET, b"\r\n" + GET]), max_size=6),
    st.lists(st.integers(min_value=0, max_value=400), max_size=12),
)
def test_the_same_requests_come_out_however_the_bytes_are_split(parts, cuts):
    raw = b"".join(parts)
    whole = Inbox()
    whole.feed(raw)
    expected = requests_in(whole)
    split, found = Inbox(), []
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    for start, end in pairwise(edges):
        split.feed(raw[start:end])
        found += requests_in(split)
    assert found == expected
    assert len(found) == len(parts)
    assert len(split) == 0


def test_a_request_has_its_path_without_the_query_and_its_headers_in_lower_case():
    inbox = Inbox()
    inbox.feed(POST)
    request = inbox.next()
    assert (request.method, request.path, request.body) == ("POST", "/v1/x", b"hello")
    assert request.headers == {"host": "a", "content-length": "5"}


def test_a_chunked_body_comes_out_whole():
    inbox = Inbox()
    inbox.feed(CHUNKED)
    assert inbox.next().body == b"abcde"


@pytest.mark.parametrize(
    ("lines", "keep_alive"),
    [
        (b"GET / HTTP/1.1\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: Close\r\n", False),
        (b"GET / HTTP/1.0\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_the_version_and_the_connection_header_say_whether_the_connection_stays(lines, keep_alive):
    inbox = Inbox()
    inbox.feed(lines + b"\r\n")
    assert inbox.next().keep_alive is keep_alive


def test_a_sender_that_waits_to_continue_is_told_once():
    inbox = Inbox()
    inbox.feed(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert inbox.next() is None
    assert [inbox.wants_continue(), inbox.wants_continue()] == [True, False]
    inbox.feed(b"ok")
    assert inbox.next().body == b"ok"


def test_a_sender_that_did_not_wait_to_continue_is_not_told():
    inbox = Inbox()
    inbox.feed(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert inbox.next() is None
    inbox.feed(b"ok")
    assert inbox.next().body == b"ok"
    assert not inbox.wants_continue()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1_0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (MAX_BODY + 1), 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * MAX_HEAD, 400),
        (b"GET / HTTP/1.1\r\n" + b"a" * MAX_HEAD, 431),
    ],
)
def test_what_is_no_request_is_answered_with_the_status_that_says_so(raw, status):
    inbox = Inbox()
    inbox.feed(raw)
    with pytest.raises(Malformed) as caught:
        inbox.next()
    assert caught.value.status == status


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(raw):
    inbox = Inbox()
    inbox.feed(raw)
    with suppress(Malformed):
        requests_in(inbox)


def test_a_response_says_its_length_and_whether_the_connection_closes():
    raw = Response(status=429, body=b"{}", headers=(("retry-after", "2"),)).encode(keep_alive=False)
    assert raw == (
        b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncontent-length: 2\r\n"
        b"retry-after: 2\r\nconnection: close\r\n\r\n{}"
    )


def test_a_response_that_ends_midway_promises_more_than_it_sends():
    raw = Response(status=200, body=b"12345678", ends="midway").encode()
    assert b"content-length: 8\r\n" in raw
    assert raw.endswith(b"\r\n\r\n1234")


def test_a_response_that_ends_before_it_begins_is_no_bytes():
    assert Response(status=200, body=b"x", ends="before").encode() == b""
