"""Whatever happens to a video, nothing of it stays: not here, not at the server."""

import asyncio
import random
import shutil

import anyio
import pytest

from filming import KEY, downloads, eager, filming, slow, storing
from penstock.errors import DeliveryError, JobError, Later, Rejected, Unfit
from penstock.score.video import Left, Videos
from penstock.testing.gemini.behaviour import GeminiBehaviour
from penstock.testing.gemini.videos import sample_video

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "score-1" / "videos"


def everything_in(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def files_in(folder):
    return {path.name for path in folder.iterdir()} - {"lock"}


async def test_a_video_is_ready_while_it_is_open_and_gone_afterwards(folder):
    async with filming(folder, slow()) as (server, videos):
        async with videos.opened(f"{server.url}/videos/ferry.mp4") as media:
            (held,) = server.files.values()
            assert server._store.state(held, now=server._clock()) == "ACTIVE"
            assert media.digest == held.digest
            assert downloads(folder) == []
        assert not server.files
    assert files_in(folder) == set()


async def test_equal_links_that_are_open_at_once_share_one_upload(folder):
    async with filming(folder, slow()) as (server, videos), anyio.create_task_group() as group:

        async def look():
            async with videos.opened(f"{server.url}/videos/ferry.mp4"):
                await asyncio.sleep(0.02)

        for _ in range(5):
            group.start_soon(look)
    assert (server.stats().uploads, videos.stats.downloads, videos.stats.deleted) == (1, 1, 1)


async def test_who_waits_for_a_video_gets_its_error_too(folder):
    reasons = []
    async with filming(folder) as (server, videos), anyio.create_task_group() as group:

        async def look():
            with pytest.raises(Unfit) as caught:
                async with videos.opened(f"{server.url}/videos/missing.mp4"):
                    pass
            reasons.append(str(caught.value))

        for _ in range(3):
            group.start_soon(look)
    assert len(set(reasons)) == 1
    assert len(reasons) == 3


async def test_when_the_one_who_brings_a_video_is_cancelled_the_next_one_does(folder):
    async with filming(folder, slow()) as (server, videos), anyio.create_task_group() as group:
        link, seen = f"{server.url}/videos/ferry.mp4", []

        async def bring(scope):
            with scope:
                async with videos.opened(link):
                    pass

        async def wait():
            async with videos.opened(link) as media:
                seen.append(media)

        scope = anyio.CancelScope()
        group.start_soon(bring, scope)
        await asyncio.sleep(0.02)
        group.start_soon(wait)
        await asyncio.sleep(0.01)
        scope.cancel()
    assert len(seen) == 1
    assert not server.files


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ({"processing_failed": 1.0}, Rejected),
        ({"upload_500": 1.0}, Later),
        ({"get_500": 1.0}, Later),
        ({"start_reset": 1.0}, Later),
    ],
)
async def test_after_an_error_nothing_is_left(folder, faults, error):
    async with filming(folder, GeminiBehaviour(faults=faults), files={"again": eager(2)}) as (server, videos):
        with pytest.raises(error):
            async with videos.opened(f"{server.url}/videos/ferry.mp4"):
                pass
        assert not server.files
        assert not downloads(folder)


async def test_after_an_error_of_the_one_who_looks_nothing_is_left(folder):
    async with filming(folder) as (server, videos):
        with pytest.raises(ZeroDivisionError):
            async with videos.opened(f"{server.url}/videos/ferry.mp4"):
                1 / 0  # noqa: B018
        assert not server.files


@pytest.mark.parametrize("seed", range(10))
async def test_whenever_it_is_cancelled_nothing_is_left(folder, seed):
    rng = random.Random(seed)
    faults = {"upload_applied_then_503": 0.2, "delete_503": 0.3, "get_reset": 0.1}
    async with filming(folder, slow(seed=seed, faults=faults)) as (server, videos):
        with anyio.move_on_after(rng.uniform(0.0, 0.4)):
            async with anyio.create_task_group() as group:
                for name in "aabcdefghi":
                    group.start_soon(look_at, videos, f"{server.url}/videos/{name}.mp4")
        assert not downloads(folder)
    assert not server.files
    assert files_in(folder) == set()


async def look_at(videos, link):
    try:
        async with videos.opened(link):
            await asyncio.sleep(0.05)
    except Later:
        pass


async def test_no_more_videos_are_held_than_allowed(folder):
    most = 0
    async with filming(folder, concurrency=2) as (server, videos), anyio.create_task_group() as group:

        async def look(name):
            nonlocal most
            async with videos.opened(f"{server.url}/videos/{name}.mp4"):
                most = max(most, len(server.files))
                await asyncio.sleep(0.01)

        for name in "abcdefg":
            group.start_soon(look, name)
    assert most == 2


async def test_a_video_that_could_not_be_deleted_is_deleted_when_all_is_over(folder):
    async with filming(folder, files={"again": eager(1)}) as (server, videos):
        server.behave(GeminiBehaviour(faults={"delete_500": 1.0}))
        async with videos.opened(f"{server.url}/videos/ferry.mp4"):
            pass
        assert len(server.files) == 1
        server.behave(GeminiBehaviour())
    assert not server.files
    assert files_in(folder) == set()


async def test_a_deletion_that_hangs_holds_nobody_up_and_is_not_forgotten(folder, monkeypatch):
    monkeypatch.setattr("penstock.score.video.videos.GRACE", 0.05)
    async with filming(folder, GeminiBehaviour(faults={"delete_hang": 1.0}, hang_seconds=3600)) as (server, videos):
        async with videos.opened(f"{server.url}/videos/ferry.mp4"):
            pass
        assert [left.name for left in videos._journal.left()] == list(server.files)


async def test_a_deletion_that_is_cancelled_outright_is_made_when_all_is_over(folder):
    async with filming(folder, GeminiBehaviour(faults={"delete_hang": 1.0}, hang_seconds=3600)) as (server, videos):
        task = asyncio.create_task(look_at(videos, f"{server.url}/videos/ferry.mp4"))
        while not server.stats().requests.get("delete"):  # noqa: ASYNC110 - a count of the server, which sets no event
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        server.behave(GeminiBehaviour())
    assert not server.files


async def leave_one(server, videos):
    """Open a video that cannot be deleted until the block around `videos` has ended."""
    async with videos.opened(f"{server.url}/videos/ferry.mp4"):
        server.behave(GeminiBehaviour(faults={"delete_500": 1.0}))


async def test_a_video_that_could_not_be_deleted_at_all_is_swept_at_the_next_start(folder):
    async with storing(again=eager(1)) as (server, files):
        async with Videos(files, folder, allow_private=True) as videos:
            await leave_one(server, videos)
        server.behave(GeminiBehaviour())
        async with Videos(files, folder) as videos:
            assert (len(server.files), await videos.sweep(), len(server.files)) == (1, 1, 0)


async def test_a_sweep_takes_what_other_runs_left(tmp_path):
    async with storing(again=eager(1)) as (server, files):
        async with Videos(files, tmp_path / "dead" / "videos", allow_private=True) as dead:
            await leave_one(server, dead)
        server.behave(GeminiBehaviour())
        (dead.folder / "0.video").write_bytes(b"left")
        async with Videos(files, tmp_path / "new" / "videos") as videos:
            assert await videos.sweep(tmp_path) == 2
        assert not server.files
    assert not downloads(dead.folder)


async def test_a_sweep_leaves_alone_what_a_living_run_holds(tmp_path):
    async with (
        storing() as (server, files),
        Videos(files, tmp_path / "alive" / "videos", allow_private=True) as alive,
        alive.opened(f"{server.url}/videos/rain.mp4") as media,
        Videos(files, tmp_path / "new" / "videos") as videos,
    ):
        assert await videos.sweep(tmp_path) == 0
        assert [held.digest for held in server.files.values()] == [media.digest]


async def test_an_upload_that_arrives_after_its_sender_died_is_found_by_a_later_sweep(folder):
    async with filming(folder, now=lambda: 1000.0) as (server, videos):
        left = Left(name="files/late", origin=server.url, account=videos._files.account, at=999.0)
        videos._journal.begin(left)
        assert await videos.sweep() == 0
        (folder / "late.mp4").write_bytes(sample_video("late"))
        await videos._files.upload(folder / "late.mp4", "video/mp4", "files/late")
        assert await videos.sweep() == 1
        assert not server.files


async def test_what_the_server_has_deleted_by_itself_is_not_asked_for(folder):
    async with filming(folder, now=lambda: 1e9) as (server, videos):
        videos._journal.begin(Left(name="files/old", origin=server.url, account=videos._files.account, at=1.0))
        await videos.sweep()
        assert videos._journal.left() == []
        assert server.stats().requests == {}


async def test_what_another_account_uploaded_is_left_to_it(folder):
    async with storing(again=eager(1)) as (server, files):
        async with Videos(files, folder, allow_private=True) as videos:
            await leave_one(server, videos)
        async with storing(key="another") as (_, others), Videos(others, folder) as videos:
            assert await videos.sweep() == 0
        assert "files/penstock" in (folder / "journal.jsonl").read_text()


async def test_two_processes_do_not_share_a_folder(folder, monkeypatch):
    monkeypatch.setattr("penstock.score.video.videos._WAIT", 0.05)
    async with storing() as (_, files), Videos(files, folder):
        with pytest.raises(JobError, match="Another process"):
            await Videos(files, folder).__aenter__()


async def test_a_file_of_the_user_is_uploaded_and_left_where_it_is(tmp_path, folder):
    (tmp_path / "mine.mp4").write_bytes(sample_video("mine"))
    async with filming(folder, base=tmp_path) as (server, videos):
        async with videos.opened("mine.mp4"):
            assert len(server.files) == 1
        assert not server.files
    assert (tmp_path / "mine.mp4").read_bytes() == sample_video("mine")
    assert videos.stats.downloads == 0


async def test_a_drive_on_loopback_gets_no_credentials_that_are_for_another_place(folder):
    async with filming(folder, authorizer=_Never()) as (server, videos):
        with pytest.raises(Unfit, match="no such file on Drive"):
            async with videos.opened(f"{server.url}/file/d/abc/view"):
                pass


class _Never:
    """Proves nothing to anybody."""

    async def headers(self):
        raise AssertionError("the credentials were asked for")


async def test_a_server_that_is_not_there_is_named_with_its_link(folder):
    async with filming(folder) as (_, videos):
        with pytest.raises(
            Later, match=r"'http://127\.0\.0\.1:9/none\.mp4' could not be downloaded: the connection failed"
        ):
            async with videos.opened("http://127.0.0.1:9/none.mp4"):
                pass


async def test_a_folder_that_takes_no_file_stops_the_run_with_its_sentence(folder):
    async with filming(folder) as (server, videos):
        shutil.rmtree(folder)
        with pytest.raises(DeliveryError, match="cannot be written"):
            async with videos.opened(f"{server.url}/videos/ferry.mp4"):
                pass


async def test_the_key_is_written_nowhere(folder):
    async with filming(folder) as (server, videos), videos.opened(f"{server.url}/videos/ferry.mp4"):
        written = everything_in(folder)
    assert b"files/penstock-" in written
    assert KEY.encode() not in written
