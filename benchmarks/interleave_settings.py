"""What settings cost a request: a read from memory, how often the source is asked, and the first reading from SSM.

    python benchmarks/interleave_settings.py [--rounds 20] [--seconds 3]

cached read: nanoseconds of `Snapshot.current()` with a fresh reading, and of the clock alone that it looks at.
threads: 8 threads read all the time for so many seconds, each reading is fresh for 50 ms and takes the source 5 ms;
    how often the source was asked against how often it may be, and how often a thread was served in that time.
first reading: seconds in a fresh process for the imports of Penstock alone, for the first reading from SSM (boto3's
    import, its client, one call) and for the next one. The Parameter Store is moto's server on the same machine.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import threading
import time
import timeit
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import must, spread, watched
from penstock.interleave.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VALUES = {"mode": "INTERLEAVE", "sampling_rate": "0.1"}
THREADS = 8
TTL = 0.05  # seconds
ANSWER = 0.005  # seconds
CALLS = 100_000

FIRST = """
import sys, time
began = time.perf_counter()
from penstock.interleave.snapshot import Snapshot
from penstock.interleave.ssm import from_ssm
imported = time.perf_counter()
snapshot = Snapshot(from_ssm(endpoint_url=sys.argv[1], connect_timeout=10, read_timeout=10))
held = snapshot.warm()
first = time.perf_counter()
snapshot.clear()
again = snapshot.warm()
second = time.perf_counter()
assert held.state == again.state == "fresh", held
print(imported - began, first - imported, second - first)
"""


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    _cached(given.rounds)
    _together(given.seconds)
    _first(given.rounds)


def _cached(rounds: int) -> None:
    snapshot = Snapshot(VALUES, ttl=3600)
    snapshot.warm()
    print(f"cached read, ns, median [least, most] of {rounds} rounds of {CALLS:,}")
    for name, call in (("Snapshot.current()", snapshot.current), ("time.monotonic()", time.monotonic)):
        print(f"  {name:20} {spread([_nanoseconds(call) for _ in range(rounds)], form='.0f')}")


def _nanoseconds(call: Callable[[], object]) -> float:
    return timeit.timeit(call, number=CALLS) / CALLS * 1e9


def _together(seconds: float) -> None:
    def source() -> Mapping[str, object]:
        time.sleep(ANSWER)
        return VALUES

    snapshot = Snapshot(source, ttl=TTL)
    end = time.monotonic() + seconds
    served = [0] * THREADS

    def read(place: int) -> None:
        while time.monotonic() < end:
            snapshot.current()
            served[place] += 1

    threads = [threading.Thread(target=read, args=(place,)) for place in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    most = int(seconds / TTL) + 1
    print(f"\n{THREADS} threads for {seconds:g} s, a reading is fresh for {TTL * 1000:g} ms")
    print(f"  the source was asked {snapshot.refreshes} times, it may be {most}; served {sum(served):,} times")


def _first(rounds: int) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    os.environ.update(credentials, AWS_DEFAULT_REGION="ap-northeast-1", AWS_EC2_METADATA_DISABLED="true")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # one line per call
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        client = boto3.client("ssm", endpoint_url=url)
        for name, value in VALUES.items():
            client.put_parameter(Name=f"/reco/exp/{name}", Value=value, Type="String")
        _print_first(url, rounds)
    finally:
        server.stop()


def _print_first(url: str, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")
        took = []
        for _ in range(rounds + 1):
            ended = must(watched([sys.executable, "-c", FIRST, url], environment=environment, limit=120))
            took.append([float(each) * 1000 for each in ended.out.split()])
    print(f"\nfirst reading in a fresh process, ms, median [least, most] of {rounds} processes")
    names = ("imports of Penstock", "first reading", "next reading")
    for name, values in zip(names, zip(*took[1:], strict=True), strict=True):  # the first process compiled
        print(f"  {name:20} {spread(values, form='.1f')}")


if __name__ == "__main__":
    main()
