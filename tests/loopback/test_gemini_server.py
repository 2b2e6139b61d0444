"""The Gemini of the tests behaves as the real one does, and misbehaves on demand."""

import json
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import anyio
import pytest

from penstock.errors import InputError, JobError, Throttled
from penstock.judge.category import Category
from penstock.judge.numeric import ScorePrompt
from penstock.models.gemini import GeminiModel
from penstock.models.gemini_files import GeminiFiles
from penstock.testing import expected_scores
from penstock.testing.gemini.answers import expected_video_scores
from penstock.testing.gemini.behaviour import GeminiBehaviour, parse_gemini_behaviour, read_gemini_behaviour
from penstock.testing.gemini.server import GeminiServer
from penstock.testing.gemini.videos import SAMPLES, sample_video
from penstock.web.transport import HttpTransport

pytestmark = pytest.mark.anyio

ask_for = ScorePrompt([Category(name="praise"), Category(name="complaint"), Category(name="question")])
START = {
    "X-Goog-Upload-Protocol": "resumable",
    "X-Goog-Upload-Command": "start",
    "X-Goog-Upload-Header-Content-Length": "1000",
    "X-Goog-Upload-Header-Content-Type": "video/mp4",
}


@asynccontextmanager
async def talking(behaviour=None, **settings):
    """A server, and a way to send it requests: gives status, headers and JSON."""
    async with GeminiServer(behaviour, **settings) as server, aiohttp.ClientSession() as session:

        async def send(method, path, body=b"", headers=None):
            url = path if "://" in path else f"{server.url}{path}"
            async with session.request(method, url, data=body, headers=headers) as answer:
                text = await answer.text(errors="replace")
                return answer.status, answer.headers, json.loads(text) if text.startswith("{") else text

        yield server, send


async def begin(send, name="files/a", **more):
    body = json.dumps({"file": {"name": name}})
    return await send("POST", "/upload/v1beta/files", body, {**START, **more})


async def upload(send, name="files/a"):
    _, headers, _ = await begin(send, name)
    command = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    return await send("POST", headers["X-Goog-Upload-URL"], sample_video(name, size=1000), command)


async def test_an_upload_is_begun_sent_and_finished():
    async with talking() as (_, send):
        status, headers, said = await upload(send)
    assert (status, headers["X-Goog-Upload-Status"]) == (200, "final")
    assert said["file"]["uri"] == f"{server_url(said)}/v1beta/files/a"
    assert (said["file"]["sizeBytes"], said["file"]["state"]) == ("1000", "ACTIVE")


def server_url(said):
    return said["file"]["uri"].partition("/v1beta")[0]


async def test_an_upload_tells_how_many_bytes_have_come():
    async with talking(GeminiBehaviour(granularity=100)) as (_, send):
        _, headers, _ = await begin(send)
        url = headers["X-Goog-Upload-URL"]
        part = {"X-Goog-Upload-Command": "upload", "X-Goog-Upload-Offset": "0"}
        await send("POST", url, b"x" * 400, part)
        _, told, _ = await send("POST", url, headers={"X-Goog-Upload-Command": "query"})
    assert (told["X-Goog-Upload-Status"], told["X-Goog-Upload-Size-Received"]) == ("active", "400")


@pytest.mark.parametrize(
    ("command", "offset", "size"),
    [("upload", "0", 150), ("upload", "7", 100), ("upload, finalize", "0", 900), ("upload, finalize", "0", 1100)],
    ids=["no multiple", "wrong offset", "too few", "too many"],
)
async def test_chunks_that_do_not_fit_are_turned_down(command, offset, size):
    async with talking(GeminiBehaviour(granularity=100)) as (server, send):
        _, headers, _ = await begin(send)
        sent = {"X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": offset}
        status, _, _ = await send("POST", headers["X-Goog-Upload-URL"], b"x" * size, sent)
        assert (status, dict(server.files)) == (400, {})


async def test_a_name_is_taken_once():
    async with talking() as (_, send):
        await upload(send)
        assert (await begin(send))[0] == 409


@pytest.mark.parametrize("name", ["a", "files/", "files/-a", "files/A", "files/" + "a" * 41])
async def test_what_is_no_name_is_turned_down(name):
    async with talking() as (_, send):
        assert (await begin(send, name))[0] == 400


async def test_a_file_that_is_not_there_is_answered_like_one_that_is_not_yours():
    async with talking() as (_, send):
        for method in ("GET", "DELETE"):
            status, _, said = await send(method, "/v1beta/files/none")
            assert (status, "may not exist" in said["error"]["message"]) == (403, True)


async def test_a_file_is_listed_and_deleted():
    async with talking() as (server, send):
        await upload(send, "files/a")
        await upload(send, "files/b")
        _, _, said = await send("GET", "/v1beta/files?pageSize=1")
        assert [each["name"] for each in said["files"]] == ["files/a"]
        _, _, more = await send("GET", f"/v1beta/files?pageSize=1&pageToken={said['nextPageToken']}")
        assert [each["name"] for each in more["files"]] == ["files/b"]
        assert (await send("DELETE", "/v1beta/files/a"))[0] == 200
        assert list(server.files) == ["files/b"]


async def test_a_file_goes_by_itself_when_its_time_is_over():
    now = [0.0]
    async with talking(clock=lambda: now[0]) as (server, send):
        await upload(send)
        now[0] = 48 * 3600 + 1
        assert (await send("GET", "/v1beta/files/a"))[0] == 403
        assert not server.files


async def test_a_full_storage_asks_to_wait_for_centuries():
    async with talking(GeminiBehaviour(storage_bytes=1500)) as (_, send):
        await upload(send)
        status, _, said = await begin(send, "files/b")
    details = {each["@type"].rpartition(".")[2]: each for each in said["error"]["details"]}
    assert (status, details["RetryInfo"]["retryDelay"]) == (429, "9223372036.854775807s")
    assert details["QuotaFailure"]["violations"][0]["quotaId"] == "FileStorageBytesPerProject"


@asynccontextmanager
async def judging(behaviour=None):
    async with GeminiServer(behaviour) as server, HttpTransport() as http:
        yield server, GeminiModel("m", transport=http, base_url=server.url, timeout=10.0, key="k"), http


async def test_a_text_gets_the_scores_that_can_be_predicted():
    async with judging() as (server, model, _):
        reply = await model.ask(ask_for("good"))
        assert json.loads(reply.text)["scores"] == expected_scores("good", 3)
        assert (server.stats().tokens_in, server.stats().tokens_out) == (reply.usage.tokens_in, reply.usage.tokens_out)


async def held_video(server, http, folder):
    (folder / "a.mp4").write_bytes(sample_video("ferry"))
    files = GeminiFiles(http, base_url=server.url, key="k")
    return await files.upload(folder / "a.mp4", "video/mp4", "files/a")


async def test_a_video_gets_scores_that_follow_from_its_bytes(tmp_path):
    async with judging() as (server, model, http):
        media = await held_video(server, http, tmp_path)
        reply = await model.ask(with_video(media))
    assert json.loads(reply.text)["scores"] == expected_video_scores(sample_video("ferry"), 3)


def with_video(media):
    return replace(ask_for("the video"), media=(media,))


async def test_other_categories_get_other_scores_where_the_prompt_decides(tmp_path):
    async with judging(GeminiBehaviour(scores_from="prompt")) as (server, model, http):
        prompt = with_video(await held_video(server, http, tmp_path))
        reply = await model.ask(prompt)
    expected = expected_video_scores(sample_video("ferry"), 3, system=prompt.system)
    assert json.loads(reply.text)["scores"] == expected


@pytest.mark.parametrize(("behaviour", "status"), [(GeminiBehaviour(processing_s=100), 400), (GeminiBehaviour(), 403)])
async def test_a_video_that_is_not_ready_or_not_there_is_not_looked_at(behaviour, status, tmp_path):
    name = "files/a" if behaviour.processing_s else "files/b"
    async with talking(behaviour) as (server, send):
        await upload(send)
        part = {"fileData": {"fileUri": f"{server.url}/v1beta/{name}", "mimeType": "video/mp4"}}
        body = json.dumps({"contents": [{"role": "user", "parts": [part, {"text": "x"}]}]})
        assert (await send("POST", "/v1beta/models/m:generateContent", body))[0] == status


async def test_beyond_the_capacity_it_says_when_to_come_back():
    behaviour = GeminiBehaviour(capacity=1, latency=0.2, retry_after=17)
    async with judging(behaviour) as (server, model, _), anyio.create_task_group() as group:
        group.start_soon(model.ask, ask_for("a"))
        while not server.stats().in_flight:  # noqa: ASYNC110 - a count of the server, which sets no event
            await anyio.sleep(0.005)
        with pytest.raises(Throttled) as caught:
            await model.ask(ask_for("b"))
    assert (caught.value.retry_after, server.stats().refused) == (17.0, 1)


@pytest.mark.parametrize(("key", "status"), [("wrong", 400), ("", 403), ("right", 200)])
async def test_one_key_is_let_in(key, status):
    headers = {"x-goog-api-key": key} if key else {}
    async with talking(GeminiBehaviour(api_key="right")) as (_, send):
        assert (await send("GET", "/v1beta/models", headers=headers))[0] == status


async def test_a_model_that_is_not_known_is_not_found():
    async with talking(GeminiBehaviour(models=("m",))) as (_, send):
        assert (await send("POST", "/v1beta/models/other:generateContent", b"{}"))[0] == 404


async def test_a_request_that_is_no_json_is_turned_down():
    async with talking() as (_, send):
        assert (await send("POST", "/v1beta/models/m:generateContent", b"{"))[0] == 400


async def test_the_same_request_meets_the_same_faults_in_every_run():
    seen = []
    for _ in range(2):
        async with talking(GeminiBehaviour(seed=3, faults={"get_500": 0.5})) as (_, send):
            await upload(send)
            seen.append([(await send("GET", "/v1beta/files/a"))[0] for _ in range(20)])
    assert seen[0] == seen[1]
    assert set(seen[0]) == {200, 500}


async def test_its_table_links_to_videos_that_are_there():
    async with talking() as (_, send):
        _, _, table = await send("GET", "/videos.csv")
        links = table.split()[1:]
        assert len(links) == len(SAMPLES)
        assert [(await send("GET", link))[0] for link in links] == [200] * len(links)


async def test_counts_are_told_and_forgotten():
    async with talking() as (server, send):
        await upload(send)
        assert (await send("GET", "/stats"))[2]["uploads"] == 1
        await send("POST", "/reset")
        assert (server.stats().uploads, server.stats().held) == (0, 1)


async def test_it_can_be_told_to_behave_differently():
    async with talking() as (_, send):
        await send("POST", "/behaviour", json.dumps({"faults": {"start_503": 1.0}}))
        assert (await begin(send))[0] == 503
        assert (await send("POST", "/behaviour", json.dumps({"fault": 1})))[0] == 400


async def test_it_has_an_address_only_while_it_runs():
    with pytest.raises(JobError, match="not running"):
        _ = GeminiServer().url


async def test_a_port_that_is_taken_gets_its_sentence():
    async with GeminiServer() as server:
        with pytest.raises(InputError, match="cannot be used"):
            await GeminiServer(port=int(server.url.rpartition(":")[2])).__aenter__()


@pytest.mark.parametrize(
    "values",
    [{"faults": {"none": 0.1}}, {"faults": {"get_500": 2}}, {"faults": {"get_500": 0.6, "get_503": 0.6}}, {"x": 1}],
)
def test_a_behaviour_that_cannot_be_is_refused(values):
    with pytest.raises(InputError):
        parse_gemini_behaviour(values)


def test_a_behaviour_is_read_from_a_file_and_does_not_show_its_key(tmp_path):
    (tmp_path / "b.yaml").write_text("latency: 0.5\napi_key: secret\nfaults: {upload_503: 0.1}\n")
    behaviour = read_gemini_behaviour(tmp_path / "b.yaml")
    assert (behaviour.latency, behaviour.faults) == (0.5, {"upload_503": 0.1})
    assert "secret" not in repr(behaviour)
