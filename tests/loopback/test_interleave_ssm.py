"""Settings from a Parameter Store over real connections: moto's server, and one that answers badly on demand."""

import json
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from penstock.errors import InputError, PenstockError, Refused, Throttled, Unreachable
from penstock.interleave import Experiment
from penstock.interleave.settings import Settings
from penstock.interleave.snapshot import Snapshot
from penstock.interleave.ssm import from_ssm

GOOD = {"/reco/exp/mode": "INTERLEAVE", "/reco/exp/sampling_rate": "0.1"}
READ = Settings(mode="INTERLEAVE", sampling_rate=0.1)
EVERYTHING = {
    **GOOD,
    "/reco/exp/parallel_enabled": "false",
    "/reco/exp/interleave_method": "optimized_v1",
    "/reco/exp/seed_strategy": "user",
    "/reco/candidate/pool_size": "500",
}


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Answering(BaseHTTPRequestHandler):
    """Answers `GetParameters` as its server was told to."""

    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append({"target": self.headers["x-amz-target"], **asked})
        answer = self.server.answer
        if answer == "hang" or self.server.over.is_set():
            self.server.over.wait(10)
            self.close_connection = True
            return
        status, body = answer(asked["Names"])
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


def holding(parameters):
    """A store with these parameters."""

    def answer(names):
        found = [{"Name": name, "Type": "String", "Value": parameters[name]} for name in names if name in parameters]
        missing = [name for name in names if name not in parameters]
        return 200, json.dumps({"Parameters": found, "InvalidParameters": missing}).encode()

    return answer


def failing(code, status=400):
    body = json.dumps({"__type": code, "message": "arn:aws:iam::123456789012:role/shop is at fault"}).encode()
    return lambda _: (status, body)


def saying(body, status=200):
    return lambda _: (status, body)


FAULTS = {
    "throttled": failing("ThrottlingException"),
    "throttled by a proxy": failing("SlowDown", 429),
    "denied": failing("AccessDeniedException"),
    "broken": failing("InternalServerError", 500),
    "broken without words": saying(b"", 500),
    "unavailable": saying(b"<html>busy</html>", 503),
    "silent": "hang",
    "garbage": saying(b"<html>captive portal</html>"),
    "half": saying(b'{"Parameters": [{"Name": "/reco/exp/mo'),
    "no object": saying(b"[1, 2]"),
    "another form": saying(b'{"Parameters": "none"}'),
    "without values": saying(b'{"Parameters": [{"Name": "/reco/exp/mode"}], "InvalidParameters": []}'),
    "missing": holding({}),
    "partial": holding({"/reco/exp/mode": "INTERLEAVE"}),
    "without the mode": holding({"/reco/exp/sampling_rate": "0.1"}),
    "malformed rate": holding({**GOOD, "/reco/exp/sampling_rate": "ten percent"}),
    "malformed mode": holding({**GOOD, "/reco/exp/mode": "interleaved"}),
    "malformed method": holding({**GOOD, "/reco/exp/interleave_method": "softmax"}),
}


@pytest.fixture(autouse=True)
def credentials(machine):
    machine.setenv("AWS_ACCESS_KEY_ID", "testing")
    machine.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    machine.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")
    machine.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"):
        machine.delenv(name, raising=False)
    machine.setenv("AWS_CONFIG_FILE", "/nonexistent")
    machine.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    return machine


@contextmanager
def answering(answer, *, port=0):
    """A server whose answers can be changed while it runs."""
    with ThreadingHTTPServer(("127.0.0.1", port), Answering) as server:
        server.daemon_threads = True
        server.answer = answer
        server.asked = []
        server.over = threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            serving.join(10)


@pytest.fixture
def store():
    with answering(holding(GOOD)) as server:
        yield server


def asking(url, fault=None, *, prefix="/reco", **more):
    """A source with patience, for a processor that is shared with the server; less where nobody will ever answer."""
    patience = 1.0 if fault == "silent" else 10.0
    return from_ssm(prefix, endpoint_url=url, connect_timeout=patience, read_timeout=patience, **more)


@pytest.fixture
def clock():
    return Clock()


def test_all_settings_are_read_in_one_call(store):
    store.answer = holding(EVERYTHING)
    read = asking(store.url)()
    assert read == {
        "mode": "INTERLEAVE",
        "sampling_rate": "0.1",
        "parallel_enabled": "false",
        "interleave_method": "optimized_v1",
        "seed_strategy": "user",
        "pool_size": "500",
    }
    [asked] = store.asked
    assert asked["target"] == "AmazonSSM.GetParameters"
    assert sorted(asked["Names"]) == sorted(EVERYTHING)
    assert asked["WithDecryption"] is True


def test_what_is_not_there_counts_as_not_given(store):
    assert asking(store.url)() == {"mode": "INTERLEAVE", "sampling_rate": "0.1"}


def test_the_parameters_may_have_another_prefix(store):
    store.answer = holding({"/shop/exp/mode": "B", **GOOD})
    assert asking(store.url, prefix="/shop/")() == {"mode": "B"}


def test_a_client_of_the_caller_is_used_as_it_is(store):
    import boto3

    client = boto3.client("ssm", endpoint_url=store.url)
    assert from_ssm(client=client)()["mode"] == "INTERLEAVE"


def test_the_region_may_be_named(store, credentials):
    credentials.delenv("AWS_DEFAULT_REGION")
    assert asking(store.url, region="eu-west-1")()["mode"] == "INTERLEAVE"


def test_one_client_serves_all_threads(store):
    source = asking(store.url)
    barrier = threading.Barrier(8)

    def ask():
        barrier.wait(30)
        return source._client()

    with ThreadPoolExecutor(8) as threads:
        clients = {each.result(30) for each in [threads.submit(ask) for _ in range(8)]}
    assert len(clients) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("throttled", Throttled),
        ("throttled by a proxy", Throttled),
        ("denied", Refused),
        ("broken", Unreachable),
        ("broken without words", Unreachable),
        ("unavailable", Unreachable),
        ("silent", Unreachable),
        ("garbage", Unreachable),
        ("half", Unreachable),
        ("no object", Unreachable),
        ("another form", Unreachable),
        ("without values", Unreachable),
    ],
)
def test_a_fault_is_translated(store, fault, error):
    store.answer = FAULTS[fault]
    with pytest.raises(PenstockError) as caught:
        asking(store.url, fault)()
    assert type(caught.value) is error
    assert "SSM Parameter Store (/reco)" in str(caught.value)


@pytest.mark.parametrize("fault", ["throttled", "denied", "broken"])
def test_a_message_does_not_repeat_accounts_and_roles(store, fault):
    store.answer = FAULTS[fault]
    with pytest.raises(PenstockError) as caught:
        asking(store.url, fault)()
    assert "123456789012" not in str(caught.value)


@pytest.mark.parametrize("fault", ["throttled", "broken", "silent"])
def test_the_client_never_asks_twice_by_itself(store, fault):
    store.answer = FAULTS[fault]
    with pytest.raises(PenstockError):
        asking(store.url, fault)()
    assert len(store.asked) == 1


def test_a_store_that_never_answers_is_given_up_soon(store):
    store.answer = "hang"
    began = time.monotonic()
    with pytest.raises(Unreachable, match="ReadTimeoutError"):
        from_ssm(endpoint_url=store.url)()
    assert time.monotonic() - began < 9  # not boto3's own 60 s, nor the server's 10 s, on however slow a machine


def test_a_store_that_takes_no_connection_is_given_up_soon():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]  # with these the queue of connections is full
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        began = time.monotonic()
        with pytest.raises(Unreachable, match="ConnectTimeoutError"):
            from_ssm(endpoint_url=f"http://127.0.0.1:{address[1]}", connect_timeout=0.2)()
        took = time.monotonic() - began
        for each in waiting:
            each.close()
    assert took < 30  # not boto3's own 60 s, on however slow a machine


def test_nobody_at_the_address_is_no_answer():
    with answering(holding(GOOD)) as server:
        url = server.url
    with pytest.raises(Unreachable, match="EndpointConnectionError"):
        from_ssm(endpoint_url=url)()


def test_without_credentials_it_says_what_to_check(store, credentials):
    credentials.delenv("AWS_ACCESS_KEY_ID")
    credentials.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(InputError, match=r"NoCredentialsError.*check region and credentials"):
        from_ssm(endpoint_url=store.url)()


def test_without_a_region_it_says_what_to_check(credentials):
    credentials.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(InputError, match=r"NoRegionError.*check region and credentials"):
        from_ssm()()


@pytest.mark.parametrize("fault", FAULTS)
def test_with_no_good_reading_a_fault_means_the_baseline_until_it_is_over(store, clock, fault):
    snapshot = Snapshot(asking(store.url, fault), retry_after=1, clock=clock)
    store.answer = FAULTS[fault]
    held = snapshot.warm()
    assert (held.settings, held.state) == (Settings(), "baseline")
    assert held.error
    store.answer = holding(GOOD)
    clock.now += 1
    held = snapshot.current()
    assert (held.settings, held.state, held.error) == (READ, "fresh", None)


@pytest.mark.parametrize("fault", FAULTS)
def test_with_a_good_reading_a_fault_means_the_stale_one_until_it_is_over(store, clock, fault):
    snapshot = Snapshot(asking(store.url, fault), ttl=60, retry_after=1, clock=clock)
    snapshot.warm()
    store.answer = FAULTS[fault]
    clock.now += 60
    held = snapshot.current()
    assert (held.settings, held.state) == (READ, "stale")
    assert held.error
    store.answer = holding({**GOOD, "/reco/exp/sampling_rate": "0.2"})
    clock.now += 1
    held = snapshot.current()
    assert (held.settings.sampling_rate, held.state, held.error) == (0.2, "fresh", None)


def test_a_store_that_went_away_means_the_stale_reading_until_it_is_back(clock):
    with answering(holding(GOOD)) as server:
        snapshot = Snapshot(asking(server.url), retry_after=1, clock=clock)
        snapshot.warm()
    clock.now += 60
    first = snapshot.current()  # the connection that was open is closed
    clock.now += 1
    second = snapshot.current()  # and no other one can be made
    with answering(holding({"/reco/exp/mode": "B"}), port=server.server_port):
        clock.now += 2
        last = snapshot.current()
    assert [first.settings, second.settings] == [READ, READ]
    assert [first.state, second.state, last.state] == ["stale", "stale", "fresh"]
    assert "EndpointConnectionError" in second.error


def test_a_connection_that_was_closed_meanwhile_costs_nothing(store, clock):
    store.RequestHandlerClass = type("Closing", (Answering,), {"protocol_version": "HTTP/1.0"})
    snapshot = Snapshot(asking(store.url), clock=clock)
    for _ in range(3):
        assert snapshot.current().state == "fresh"
        clock.now += 60
    assert snapshot.failures == 0


def test_an_outage_costs_few_calls(store, clock):
    snapshot = Snapshot(asking(store.url), ttl=60, retry_after=1, clock=clock)
    snapshot.warm()
    store.answer = FAULTS["throttled"]
    clock.now += 60
    for _ in range(600):  # ten a second for a minute
        snapshot.current()
        clock.now += 0.1
    assert len(store.asked) == 1 + 6  # after 0, 1, 3, 7, 15 and 31 seconds


def tell_clients(source, results):
    source()
    results.put(sorted(source._clients))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # forking beside threads is what this is about
def test_a_forked_child_makes_a_connection_of_its_own(store):
    source = asking(store.url)
    source()
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=tell_clients, args=(source, results))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert results.get() == sorted([os.getpid(), child.pid])


def test_boto3_is_imported_when_the_store_is_first_asked(store):
    program = f"""
import sys
from penstock.interleave.snapshot import Snapshot
from penstock.interleave.ssm import from_ssm
snapshot = Snapshot(from_ssm(endpoint_url={store.url!r}, connect_timeout=10, read_timeout=10))
before = "boto3" in sys.modules
print(before, snapshot.warm().state, "boto3" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.split() == ["False", "fresh", "True"]


def test_without_boto3_the_extra_is_named_and_the_baseline_is_served():
    program = """
import sys
sys.modules["boto3"] = sys.modules["botocore"] = sys.modules["botocore.exceptions"] = None
from penstock.interleave.snapshot import Snapshot
from penstock.interleave.ssm import from_ssm
held = Snapshot(from_ssm()).warm()
print(held.state, held.error)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "baseline SSM Parameter Store needs an extra: pip install 'penstock[ssm]'."


# --- requests, whatever fails ---


def raising(_):
    raise ValueError("the features are gone")


def nothing(_):
    return None


def empty(_):
    return []


def of_no_type(_):
    return 7


def fine(_):
    return ["p1", "p2", "p3"]


@pytest.fixture
def hanging():
    """A ranker that does not return before the test is over."""
    over = threading.Event()
    yield lambda _: over.wait(30)
    over.set()


@pytest.fixture
def ways_to_fail(hanging):
    return {"raised": raising, "empty": nothing, "without items": empty, "unreadable": of_no_type, "late": hanging}


def trial(a, b, snapshot, records):
    return Experiment("home", {"A": a, "B": b}, settings=snapshot, deadline=0.03, log=records.append)


@pytest.mark.parametrize("fault", FAULTS)
def test_no_request_is_lost_while_the_store_fails_and_a_ranker_does_too(store, clock, fault, ways_to_fail):
    source = asking(store.url)
    store.answer = holding({**GOOD, "/reco/exp/sampling_rate": "1"})
    snapshot = Snapshot(source, clock=clock)
    snapshot.warm()
    clock.now += 100
    store.answer = FAULTS[fault]
    records = []
    for way, broken in ways_to_fail.items():
        for lost, experiment in (
            ("A", trial(broken, fine, snapshot, records)),
            ("B", trial(fine, broken, snapshot, records)),
        ):
            assert experiment.rank(user_id=7, k=3).ranking == ["p1", "p2", "p3"], way
            assert records[-1].settings == "stale"
            assert records[-1].mode == "INTERLEAVE"
            assert records[-1].fallback_reason.startswith(f"{lost}:")


@pytest.mark.parametrize("fault", FAULTS)
def test_no_request_is_lost_when_nothing_was_ever_read_and_the_other_ranker_fails(store, clock, fault, ways_to_fail):
    store.answer = FAULTS[fault]
    snapshot = Snapshot(asking(store.url), clock=clock)
    records = []
    for broken in ways_to_fail.values():
        assert trial(fine, broken, snapshot, records).rank(user_id=7, k=3).ranking == ["p1", "p2", "p3"]
        assert (records[-1].settings, records[-1].mode, records[-1].fallback_reason) == ("baseline", "A", None)


@pytest.fixture(scope="module")
def moto():
    """A Parameter Store as near to the real one as there is without an account."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def put(moto):
    """Put parameters into the store, which begins empty."""
    import boto3

    client = boto3.client("ssm", endpoint_url=moto)
    held = [each["Name"] for each in client.describe_parameters()["Parameters"]]
    if held:
        client.delete_parameters(Names=held)

    def put(name, value, kind="String"):
        client.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)

    yield put
    client.close()


def moto_snapshot(url, clock, **more):
    return Snapshot(asking(url), clock=clock, **more)


def test_settings_are_read_from_a_parameter_store(moto, put, clock):
    for name, value in EVERYTHING.items():
        put(name, value)
    held = moto_snapshot(moto, clock).current()
    assert held.state == "fresh"
    assert held.settings == Settings(
        mode="INTERLEAVE",
        sampling_rate=0.1,
        parallel_enabled=False,
        interleave_method="optimized_v1",
        seed_strategy="user",
        pool_size=500,
    )


def test_an_empty_parameter_store_means_the_baseline(moto, put, clock):
    held = moto_snapshot(moto, clock).current()
    assert (held.settings, held.state) == (Settings(), "baseline")
    assert "There is no mode in SSM Parameter Store (/reco)" in held.error


def test_a_secret_is_decrypted(moto, put, clock):
    put("/reco/exp/mode", "B", "SecureString")
    assert moto_snapshot(moto, clock).current().settings.mode == "B"


def test_an_emergency_stop_is_seen_within_one_time_to_live(moto, put, clock):
    for name, value in EVERYTHING.items():
        put(name, value)
    snapshot = moto_snapshot(moto, clock, ttl=60)
    assert snapshot.current().settings.mode == "INTERLEAVE"
    put("/reco/exp/mode", "A")
    clock.now += 60
    held = snapshot.current()
    assert (held.settings.mode, held.state) == ("A", "fresh")


def test_an_emergency_stop_works_beside_a_malformed_setting(moto, put, clock):
    for name, value in GOOD.items():
        put(name, value)
    snapshot = moto_snapshot(moto, clock, ttl=60)
    snapshot.warm()
    put("/reco/exp/sampling_rate", "0,1")
    put("/reco/exp/mode", "A")
    clock.now += 60
    assert snapshot.current().settings == Settings()


def test_a_rate_is_raised_step_by_step(moto, put, clock):
    put("/reco/exp/mode", "INTERLEAVE")
    snapshot = moto_snapshot(moto, clock, ttl=60)
    served = []
    for rate in ("0.01", "0.05", "1.0"):
        put("/reco/exp/sampling_rate", rate)
        served.append(snapshot.current().settings.sampling_rate)
        clock.now += 60
    assert served == [0.01, 0.05, 1.0]
