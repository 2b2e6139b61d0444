"""Ctrl-C, sent to a process of its own."""

import signal
import subprocess
import sys

import pytest

from penstock.jobs.signals import INTERRUPTED

WAITER = """
import sys
import anyio
from penstock.jobs.signals import stopping

async def main():
    stopped = anyio.Event()
    with stopping(stopped.set, say=lambda text: print(text, flush=True)):
        print("ready", flush=True)
        await stopped.wait()
        print("stopped", flush=True)
        if sys.argv[1] == "busy":
            await anyio.sleep(60)
    print("over", flush=True)

anyio.run(main)
"""
SAID = "Stopping: finishing what is in flight. Once more to stop at once.\n"


@pytest.fixture
def start():
    started = []

    def start(how):
        process = subprocess.Popen([sys.executable, "-c", WAITER, how], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_in_order(start, number):
    process = start("done")
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert said == f"{SAID}stopped\nover\n"
    assert process.returncode == 0


def test_the_second_signal_ends_the_process_at_once(start):
    process = start("busy")
    process.send_signal(signal.SIGINT)
    assert [process.stdout.readline() for _ in range(2)] == [SAID, "stopped\n"]
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert said == ""
    assert process.returncode == INTERRUPTED
