"""The example's handler as its clients meet it: over HTTP, in a process of its own, switched while it runs."""

import json
import os
import re
import select
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "interleave_lambda"
TTL = 0.05
PATIENCE = 30.0
"""Seconds that anything here may take."""

STOP = {"mode": "A"}
EVERYBODY = {"mode": "INTERLEAVE", "sampling_rate": 1}
NOBODY = {"mode": "INTERLEAVE", "sampling_rate": 0}


class Local:
    """The example on this machine: its address, its settings, its log."""

    def __init__(self, folder, **environment):
        self.settings = folder / "settings.json"
        self.log = folder / "rankings.jsonl"
        self.switch(STOP)
        command = [sys.executable, EXAMPLE / "local.py", "--port", "0", "--log", self.log, "--ttl", str(TTL)]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "RECO_SETTINGS": str(self.settings), "RECO_DEADLINE": "20", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        self.address = self.process.stdout.readline().strip() if ready else ""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE)

    def switch(self, settings):
        """Change the settings, and wait until those that were read before are too old."""
        new = self.settings.with_suffix(".new")
        new.write_text(json.dumps(settings))
        new.replace(self.settings)
        time.sleep(2 * TTL)

    def get(self, path="/recommendations", cookie="", **query):
        """Call, and give the body."""
        words = "&".join(f"{name}={value}" for name, value in query.items())
        with urlopen(Request(f"{self.address}{path}?{words}", headers={"Cookie": cookie}), timeout=PATIENCE) as answer:
            return json.load(answer)

    def records(self, *bodies):
        """Give the log lines of rankings, in the order of the rankings."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        found = {(line["ranking_id"], line.get("offset", 0)): line for line in lines}
        return [found[body["ranking_id"], 0] for body in bodies]


@pytest.fixture(scope="module")
def _local(tmp_path_factory):
    with Local(tmp_path_factory.mktemp("local")) as local:
        yield local


@pytest.fixture
def local(_local):
    _local.switch(EVERYBODY)
    return _local


def ids(body):
    return [item["item_id"] for item in body["items"]]


def test_the_old_routes_keep_their_rankers_whatever_is_set(local):
    before = [local.get("/recommendations/a"), local.get("/recommendations/b")]
    assert [{item["source_ranker"] for item in line["items"]} for line in local.records(*before)] == [{"A"}, {"B"}]
    for settings in (STOP, {"mode": "B"}, NOBODY):
        local.switch(settings)
        after = [local.get("/recommendations/a"), local.get("/recommendations/b")]
        assert list(map(ids, after)) == list(map(ids, before))


def test_at_rate_0_everybody_gets_the_baseline(local):
    local.switch(NOBODY)
    bodies = [local.get(user_id=number) for number in range(20)]
    baseline = ids(local.get("/recommendations/a"))
    assert all(ids(body) == baseline for body in bodies)
    assert {(line["mode"], line["setting"]) for line in local.records(*bodies)} == {("A", "INTERLEAVE")}


def test_at_rate_1_everybody_gets_items_of_both(local):
    bodies = [local.get(user_id=number) for number in range(20)]
    records = local.records(*bodies)
    assert {line["mode"] for line in records} == {"INTERLEAVE"}
    assert all(Counter(item["source_ranker"] for item in line["items"]) == {"A": 5, "B": 5} for line in records)
    assert not any("fallback_reason" in line for line in records)


def test_who_has_no_id_is_not_in_the_experiment(local):
    nobody = local.get()
    (line,) = local.records(nobody)
    assert ids(nobody) == ids(local.get("/recommendations/a"))
    assert "unit" not in line


def test_a_session_takes_the_place_of_the_user(local):
    (line,) = local.records(local.get(cookie="theme=dark; session=s1"))
    assert (line["mode"], line["unit"]) == ("INTERLEAVE", "session")


def test_a_ramp_keeps_everybody_who_was_in(local):
    inside = []
    for rate in (0.1, 0.3, 0.6, 1):
        local.switch({"mode": "INTERLEAVE", "sampling_rate": rate})
        bodies = [local.get(user_id=number, k=2) for number in range(60)]
        inside.append({line["user"] for line in local.records(*bodies) if line["mode"] == "INTERLEAVE"})
    assert [len(users) for users in inside] == sorted({len(users) for users in inside})
    assert all(fewer < more for fewer, more in pairwise(inside))


def test_the_emergency_stop_is_a_setting(local):
    baseline = ids(local.get("/recommendations/a"))
    assert ids(local.get(user_id=7)) != baseline
    local.switch(STOP)
    assert all(ids(local.get(user_id=number)) == baseline for number in range(20))


def test_the_stop_holds_although_another_setting_is_malformed(local):
    local.switch({"mode": "A", "sampling_rate": "lots"})
    assert ids(local.get(user_id=7)) == ids(local.get("/recommendations/a"))


def test_settings_that_cannot_be_read_cost_no_request(local):
    local.get(user_id=7)
    local.settings.write_text("{")
    time.sleep(2 * TTL)
    (line,) = local.records(local.get(user_id=7))
    assert (line["mode"], line["settings"]) == ("INTERLEAVE", "stale")


@pytest.mark.parametrize("method", ["team_draft_v1", "optimized_v1"])
def test_two_pages_of_one_ranking_are_one_page_of_twice_the_size(local, method):
    local.switch({**EVERYBODY, "interleave_method": method})
    first = local.get(user_id=7, k=10)
    second = local.get(user_id=7, k=10, offset=10, ranking_id=first["ranking_id"])
    both = local.get(user_id=7, k=20, ranking_id=first["ranking_id"])
    assert second["ranking_id"] == first["ranking_id"]
    assert len({*ids(first), *ids(second)}) == 20
    assert ids(first) + ids(second) == ids(both)


def test_no_response_says_where_an_item_came_from(local):
    paths = ("/recommendations", "/recommendations/a", "/recommendations/b")
    bodies = [local.get(path, user_id=number) for path in paths for number in range(5)]
    assert {frozenset(body) for body in bodies} == {frozenset({"ranking_id", "items"})}
    fields = {field for body in bodies for item in body["items"] for field in item}
    assert fields == {"item_id", "title", "theme", "price", "booked", "season"}


def test_every_response_joins_its_log_line(local):
    bodies = [local.get(path, user_id=7, k=5) for path in ("/recommendations", "/recommendations/a")]
    for body, line in zip(bodies, local.records(*bodies), strict=True):
        assert line["schema"] == "penstock.interleave/1"
        assert [item["item_id"] for item in line["items"]] == ids(body)
        assert [item["position"] for item in line["items"]] == [1, 2, 3, 4, 5]
        assert line["experiment"] == "excursions"


def test_the_log_does_not_say_who_somebody_is(local):
    local.get(user_id="ann.example")
    assert "ann.example" not in local.log.read_text()


@pytest.mark.parametrize(("query", "status"), [({"k": "many"}, 400), ({"offset": "-1"}, 400)])
def test_a_client_is_told_what_it_did_wrong(local, query, status):
    with pytest.raises(HTTPError) as caught:
        local.get(**query)
    with caught.value as answer:
        assert answer.code == status
        assert re.fullmatch(r"\w+ must be a whole number from \d+ to \d+\.", json.load(answer)["error"])


def test_parameters_of_a_parameter_store_switch_the_handler(tmp_path, monkeypatch):
    boto3 = pytest.importorskip("boto3")
    from moto.server import ThreadedMotoServer

    for name, value in {
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    store = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    store.start()
    try:
        host, port = store.get_host_and_port()
        address = f"http://{host}:{port}"
        client = boto3.client("ssm", endpoint_url=address)

        def put(name, value):
            client.put_parameter(Name=f"/reco/exp/{name}", Value=value, Type="String", Overwrite=True)

        put("sampling_rate", "1.0")
        put("mode", "INTERLEAVE")
        with Local(tmp_path, RECO_SETTINGS="ssm", AWS_ENDPOINT_URL_SSM=address) as local:
            baseline = ids(local.get("/recommendations/a"))
            assert until(lambda: ids(local.get(user_id=7)) != baseline)
            put("mode", "A")
            assert until(lambda: ids(local.get(user_id=7)) == baseline)
        client.close()
    finally:
        store.stop()


def until(comes_true):
    """Wait until something is so; say whether it ever was."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if comes_true():
            return True
        time.sleep(TTL)
    return False


def test_the_handler_runs_with_the_standard_library_alone(tmp_path):
    script = f"""
import sys
sys.path[:0] = [{str(ROOT / "src")!r}, {str(EXAMPLE)!r}]
import app
event = {{"routeKey": "GET /recommendations", "queryStringParameters": {{"user_id": "7"}}}}
print(app.handler(event, None)["body"])
print(*sorted({{name.partition(".")[0] for name in sys.modules}} - sys.stdlib_module_names))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        env={"RECO_MODE": "INTERLEAVE", "RECO_SAMPLING_RATE": "1", "RECO_LOG": str(tmp_path / "log.jsonl")},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    body, loaded = done.stdout.splitlines()
    assert len(json.loads(body)["items"]) == 10
    assert loaded.split() == ["__main__", "app", "penstock"]
    assert json.loads((tmp_path / "log.jsonl").read_text())["mode"] == "INTERLEAVE"
