"""Files in Gemini's storage, over connections that break."""

import hashlib

import pytest

from filming import KEY, eager, storing
from penstock.errors import Later, Refused, Rejected, Throttled, TimedOut, Unfit, Unreachable
from penstock.models.gemini_files import new_name
from penstock.testing.gemini.behaviour import GeminiBehaviour
from penstock.testing.gemini.videos import sample_video
from penstock.web.transport import HttpTransport, Response

pytestmark = pytest.mark.anyio

VIDEO = sample_video("harbour", size=1_500_000)


@pytest.fixture
def path(tmp_path):
    place = tmp_path / "a.mp4"
    place.write_bytes(VIDEO)
    return place


async def test_a_file_arrives_as_it_is_under_the_name_that_was_chosen(path):
    name = new_name()
    async with storing() as (server, files):
        media = await files.upload(path, "video/mp4", name)
        held = server.files[name]
    digest = hashlib.sha256(VIDEO).hexdigest()
    assert (held.digest, held.size, held.mime_type) == (digest, len(VIDEO), "video/mp4")
    assert (media.uri, media.digest) == (f"{server_of(media)}/v1beta/{name}", digest)


def server_of(media):
    return media.uri.partition("/v1beta")[0]


@pytest.mark.parametrize("chunk", [1, 100_000, 256 * 1024, 300_000, 8 * 1024**2])
async def test_chunks_have_the_size_that_the_server_wants(path, chunk):
    async with storing(GeminiBehaviour(granularity=131_072), chunk=chunk) as (server, files):
        await files.upload(path, "video/mp4", new_name())
        assert server.stats().by_status == {200: server.stats().requests["upload"] + 1}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "fault",
    ["start_503", "upload_500", "upload_reset", "upload_half", "upload_applied_then_503", "query_reset", "upload_lost"],
)
async def test_an_upload_goes_on_after_faults(path, fault, seed):
    share = 0.05 if fault == "upload_lost" else 0.4
    behaviour = GeminiBehaviour(seed=seed, faults={fault: share, "upload_503": 0.2})
    async with storing(behaviour) as (server, files):
        media = await files.upload(path, "video/mp4", "files/chosen")
        assert server.files["files/chosen"].digest == media.digest == hashlib.sha256(VIDEO).hexdigest()
        assert len(server.files) == 1


async def test_an_upload_whose_last_answer_was_lost_is_found(path):
    behaviour = GeminiBehaviour(faults={"upload_applied_then_503": 1.0})
    async with storing(behaviour) as (server, files):
        assert (await files.upload(path, "video/mp4", "files/chosen")).uri.endswith("files/chosen")
        assert server.stats().uploads == 1


async def test_an_upload_that_cannot_be_finished_is_given_up_at_the_server(path):
    async with storing(GeminiBehaviour(faults={"upload_500": 1.0}), again=eager(2)) as (server, files):
        with pytest.raises(Unreachable):
            await files.upload(path, "video/mp4", new_name())
        assert {upload.state for upload in server._store.uploads.values()} == {"cancelled"}


class _Endless(HttpTransport):
    """Takes every chunk, and never says that the upload is complete."""

    def __init__(self):
        super().__init__()
        self.sent = 0

    async def send(self, method, url, **more):
        if more["headers"].get("X-Goog-Upload-Command", "start") in {"start", "cancel"}:
            return await super().send(method, url, **more)
        self.sent += 1
        assert self.sent < 20
        headers = {"X-Goog-Upload-Status": "active", "X-Goog-Upload-Size-Received": str(len(VIDEO))}
        return Response(status=200, headers=headers, body=b"")


async def test_an_upload_that_is_never_said_to_be_complete_is_given_up(path):
    async with storing() as (server, _), _Endless() as http:
        with pytest.raises(Unreachable, match="did not say that the upload is complete"):
            await _files(http, server).upload(path, "video/mp4", new_name())


async def test_a_file_is_awaited_until_it_is_ready(path):
    async with storing(GeminiBehaviour(processing_s=0.1)) as (server, files):
        await files.upload(path, "video/mp4", "files/a")
        assert (await files.wait_active("files/a")).state == "ACTIVE"
        assert server.stats().requests["get"] > 1


async def test_a_file_that_the_server_cannot_read_is_rejected(path):
    async with storing(GeminiBehaviour(faults={"processing_failed": 1.0})) as (_, files):
        await files.upload(path, "video/mp4", "files/a")
        with pytest.raises(Rejected, match="could not read the file"):
            await files.wait_active("files/a")


async def test_a_file_that_is_never_ready_is_given_up(path):
    async with storing(GeminiBehaviour(processing_s=1000), patience=0.3) as (_, files):
        await files.upload(path, "video/mp4", "files/a")
        with pytest.raises(TimedOut, match=r"not ready within 0\.3 s"):
            await files.wait_active("files/a")


async def test_deleting_says_whether_the_file_was_there(path):
    async with storing() as (server, files):
        await files.upload(path, "video/mp4", "files/a")
        assert [await files.delete("files/a"), await files.delete("files/a")] == [True, False]
        assert not server.files


async def test_a_deletion_whose_answer_was_lost_is_a_deletion(path):
    async with storing(GeminiBehaviour(faults={"delete_applied_then_503": 0.9})) as (server, files):
        await files.upload(path, "video/mp4", "files/a")
        await files.delete("files/a")
        assert not server.files


async def test_a_wrong_key_is_refused_and_not_shown(path):
    async with storing(GeminiBehaviour(api_key="another")) as (_, files):
        with pytest.raises(Refused, match="turned the key down") as caught:
            await files.upload(path, "video/mp4", new_name())
    assert KEY not in str(caught.value)


async def test_the_key_is_sent_with_everything_but_the_chunks_and_never_in_an_address(path):
    async with HttpTransport() as http, storing() as (server, _):
        spy = _Spy(http)
        files = _files(spy, server)
        await files.upload(path, "video/mp4", "files/a")
    assert all(KEY not in url for url, _ in spy.sent)
    assert [KEY in headers.values() for _, headers in spy.sent] == [True, *[False] * (len(spy.sent) - 1)]


async def test_a_server_that_wants_the_file_elsewhere_is_refused(path):
    async with storing() as (server, _):
        files = _files(_Elsewhere(), server)
        with pytest.raises(Refused, match="to another host"):
            await files.upload(path, "video/mp4", new_name())


async def test_a_full_storage_stops_the_run_with_its_sentence(path):
    async with storing(GeminiBehaviour(storage_bytes=1_000_000)) as (_, files):
        with pytest.raises(Refused, match="storage for files is full"):
            await files.upload(path, "video/mp4", new_name())


async def test_an_empty_file_and_one_that_is_too_large_are_not_sent(tmp_path, path):
    (tmp_path / "empty").write_bytes(b"")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2 * 1024**3 + 1)
    async with storing() as (server, files):
        for name, why in (("empty", "is empty"), ("huge", "larger than the 2 GB"), ("none", "cannot be read")):
            with pytest.raises(Unfit, match=why):
                await files.upload(tmp_path / name, "video/mp4", new_name())
        assert server.stats().requests == {}


async def test_asking_too_often_is_told_with_the_servers_own_wait():
    body = b'{"error": {"message": "slow", "details": [{"retryDelay": "17s"}]}}'
    async with storing() as (server, _):
        files = _files(_Canned(Response(status=429, headers={}, body=body)), server)
        with pytest.raises(Throttled) as caught:
            await files.delete("files/a")
    assert caught.value.retry_after == 17.0


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'{"name": 3}'])
async def test_an_answer_that_cannot_be_read_is_the_servers_trouble(body):
    async with storing() as (server, _):
        files = _files(_Canned(Response(status=200, headers={}, body=body)), server)
        with pytest.raises(Later):
            await files.wait_active("files/a")


def _files(http, server):
    from penstock.models.gemini_files import GeminiFiles

    return GeminiFiles(http, base_url=f"{server.url}/v1beta", key=KEY, again=eager(2))


class _Spy:
    def __init__(self, http):
        self._http, self.sent = http, []

    async def send(self, method, url, *, headers, timeout, body=b"", largest=0):
        self.sent.append((url, dict(headers)))
        return await self._http.send(method, url, headers=headers, timeout=timeout, body=body)


class _Canned:
    def __init__(self, answer):
        self._answer = answer

    async def send(self, method, url, *, headers, timeout, body=b"", largest=0):
        return self._answer


class _Elsewhere(_Canned):
    def __init__(self):
        super().__init__(Response(status=200, headers={"X-Goog-Upload-URL": "http://127.0.0.2:9/up"}, body=b""))
