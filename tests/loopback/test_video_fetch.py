"""Downloads from servers that move, refuse, flood and dawdle."""

import asyncio
import hashlib
import os
import random
import socket
from contextlib import asynccontextmanager

import anyio
import pytest

from penstock.errors import DeliveryError, InputError, Later, Refused, Throttled, TimedOut, Unfit, Unreachable
from penstock.testing.gemini.server import GeminiServer
from penstock.testing.gemini.videos import sample_video
from penstock.web.addresses import PublicResolver
from penstock.web.fetch import HOPS, WebPage, fetch, make_private, open_downloads
from penstock.web.transport import HttpTransport

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def fetching(tmp_path, *, allow_private=True, **more):
    """A server with videos, and a way to fetch from it."""
    async with GeminiServer() as server, open_downloads(allow_private=allow_private) as http:

        async def get(path, **settings):
            link = path if "://" in path else f"{server.url}{path}"
            asked = {"into": tmp_path / "a.video", "http": http, "allow_private": allow_private, **more, **settings}
            return await fetch(link, **asked)

        yield server, get


@asynccontextmanager
async def saying(*lines, body=b""):
    """A server that answers every request with this, and remembers what it was asked."""
    asked = []

    async def serve(reader, writer):
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "Connection: close", "", ""]).encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_a_video_is_brought_whole_into_a_file_of_ones_own(tmp_path):
    async with fetching(tmp_path) as (_, get):
        fetched = await get("/videos/ferry.mp4?bytes=3000000")
    video = sample_video("ferry", size=3_000_000)
    assert fetched.path.read_bytes() == video
    assert (fetched.size, fetched.digest) == (len(video), hashlib.sha256(video).hexdigest())
    assert (fetched.content_type, fetched.path.stat().st_mode & 0o777) == ("video/mp4", 0o600)


async def test_a_redirect_is_followed(tmp_path):
    async with fetching(tmp_path) as (server, get):
        fetched = await get("/redirect?to=/videos/ferry.mp4")
        assert fetched.url == f"{server.url}/videos/ferry.mp4"


async def test_redirects_in_a_circle_end(tmp_path):
    async with fetching(tmp_path) as (_, get):
        with pytest.raises(Unfit, match="from redirect to redirect"):
            await get("/redirect")
    assert list(tmp_path.iterdir()) == []


async def test_a_redirect_into_a_private_network_is_not_followed(tmp_path):
    moved = saying("HTTP/1.1 302 Found", "Location: http://169.254.169.254/latest")
    async with moved as (url, asked), open_downloads(allow_private=True) as http:
        with pytest.raises(Unfit, match=r"169\.254\.169\.254 is an address of a private network"):
            await fetch("http://files.example/v.mp4", into=tmp_path / "a", http=_At(http, "http://files.example", url))
    assert len(asked) == 1


async def test_a_name_that_leads_to_this_machine_is_not_connected_to(tmp_path):
    resolver = PublicResolver(inner=_Home())
    async with GeminiServer() as server, HttpTransport(resolver=resolver) as http:
        link = f"http://rebind.example:{server.url.rpartition(':')[2]}/videos/ferry.mp4"
        with pytest.raises(Unfit, match=r"rebind\.example is an address of a private network"):
            await fetch(link, into=tmp_path / "a", http=http)
        assert server.stats().by_status == {}


async def test_credentials_stay_with_their_host(tmp_path):
    async with (
        saying("HTTP/1.1 200 OK", "Content-Type: video/mp4", body=b"there") as (there, asked_there),
        saying("HTTP/1.1 302 Found", f"Location: {there}/v.mp4") as (here, asked_here),
        open_downloads(allow_private=True) as http,
    ):
        secret = {"Authorization": "Bearer secret"}
        await fetch(here, into=tmp_path / "a", http=http, allow_private=True, headers=secret)
    assert "secret" in asked_here[0]
    assert "secret" not in asked_there[0]


async def test_a_file_that_says_it_is_too_large_is_not_begun(tmp_path):
    async with fetching(tmp_path) as (_, get):
        with pytest.raises(Unfit, match="larger than 1 KiB"):
            await get("/videos/ferry.mp4", largest=1024)
    assert list(tmp_path.iterdir()) == []


async def test_a_file_without_end_is_cut_off(tmp_path):
    async with fetching(tmp_path) as (_, get):
        with pytest.raises(Unfit, match="larger than 2 MiB"):
            await get("/huge.mp4", largest=2 * 1024**2)
    assert list(tmp_path.iterdir()) == []


async def test_a_download_that_takes_too_long_is_given_up(tmp_path):
    async with fetching(tmp_path) as (_, get):
        with pytest.raises(TimedOut, match=r"did not come within 0\.2 s"):
            await get("/slow.mp4", timeout=0.2)
    assert list(tmp_path.iterdir()) == []


async def test_a_download_that_is_cancelled_leaves_no_file(tmp_path):
    async with fetching(tmp_path) as (_, get):
        with anyio.move_on_after(0.1):
            await get("/slow.mp4")
    assert list(tmp_path.iterdir()) == []


async def test_a_body_that_breaks_off_leaves_no_file(tmp_path):
    lines = ("HTTP/1.1 200 OK", "Content-Type: video/mp4", "Transfer-Encoding: chunked")
    async with saying(*lines, body=b"5\r\nhello\r\n") as (url, _), open_downloads(allow_private=True) as http:
        with pytest.raises(Later):
            await fetch(url, into=tmp_path / "a", http=http, allow_private=True)
    assert list(tmp_path.iterdir()) == []


async def test_a_web_page_is_no_file(tmp_path):
    async with fetching(tmp_path) as (_, get):
        with pytest.raises(WebPage, match="is a web page"):
            await get("/page")


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (404, Unfit, "there is nothing at"),
        (410, Unfit, "there is nothing at"),
        (401, Unfit, "without signing in"),
        (403, Unfit, "without signing in"),
        (418, Unfit, "does not give a file"),
        (429, Throttled, "asked for fewer downloads"),
        (500, Unreachable, "had an error"),
    ],
)
async def test_every_refusal_has_its_sentence(tmp_path, status, error, sentence):
    async with saying(f"HTTP/1.1 {status} Said") as (url, _), open_downloads(allow_private=True) as http:
        with pytest.raises(error, match=sentence):
            await fetch(f"{url}/v.mp4?key=secret", into=tmp_path / "a", http=http, allow_private=True)
    assert list(tmp_path.iterdir()) == []


async def test_an_error_can_be_explained_by_who_knows_the_server(tmp_path):
    def explain(status, body):
        return Refused(f"{status} {body.decode()}")

    async with saying("HTTP/1.1 403 Said", body=b"no scope") as (url, _), open_downloads(allow_private=True) as http:
        with pytest.raises(Refused, match="403 no scope"):
            await fetch(url, into=tmp_path / "a", http=http, allow_private=True, explain=explain)


async def test_a_file_that_is_there_already_is_left_alone(tmp_path):
    (tmp_path / "a.video").write_bytes(b"mine")
    async with fetching(tmp_path) as (_, get):
        with pytest.raises(DeliveryError, match="File exists"):
            await get("/videos/ferry.mp4")
    assert (tmp_path / "a.video").read_bytes() == b"mine"


async def test_a_symlink_in_the_place_of_the_file_is_not_followed(tmp_path):
    (tmp_path / "a.video").symlink_to(tmp_path / "elsewhere")
    async with fetching(tmp_path) as (_, get):
        with pytest.raises(DeliveryError):
            await get("/videos/ferry.mp4")
    assert not (tmp_path / "elsewhere").exists()


async def test_the_last_redirect_that_is_allowed_still_arrives(tmp_path):
    to = "/videos/ferry.mp4"
    for _ in range(HOPS):
        to = f"/redirect?to={to.replace('%', '%25').replace('?', '%3F').replace('=', '%3D')}"
    async with fetching(tmp_path) as (_, get):
        assert (await get(to)).size == 4096


def test_a_private_folder_lets_nobody_else_in(tmp_path):
    os.umask(0o022)
    folder = make_private(tmp_path / "run" / "videos")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_symlink_is_no_private_folder(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="a folder of your own"):
        make_private(tmp_path / "link")


class _At:
    """Finds a public name at an address of this machine, as a test must."""

    def __init__(self, http, name, url):
        self._http, self._name, self._url = http, name, url

    def stream(self, url, *, headers, timeout):
        return self._http.stream(url.replace(self._name, self._url), headers=headers, timeout=timeout)


class _Home:
    """Finds every name at this machine, as a hostile server of names does."""

    async def resolve(self, host, port=0, family=socket.AF_INET):
        found = {"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}
        return [found]

    async def close(self):
        pass


async def test_a_wait_that_a_server_asks_for_as_a_date_is_kept(tmp_path):
    until = "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"
    async with saying("HTTP/1.1 429 Too Many Requests", until) as (url, _), fetching(tmp_path) as (_, get):
        with pytest.raises(Throttled) as caught:
            await get(f"{url}/a.mp4")
    assert caught.value.retry_after > 1e9


async def test_whenever_it_is_cancelled_no_file_is_left(tmp_path):
    rng = random.Random(5)
    async with fetching(tmp_path) as (_, get):
        for nth in range(25):
            with anyio.move_on_after(rng.uniform(0, 0.03)):
                await get("/videos/ferry.mp4?bytes=8000000", into=tmp_path / f"{nth}.video")
                (tmp_path / f"{nth}.video").unlink()
            assert list(tmp_path.iterdir()) == []
