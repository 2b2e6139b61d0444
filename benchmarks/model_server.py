"""How many calls a second the test server alone can serve: `python benchmarks/model_server.py`.

The server runs in its own process on one core; a raw client that reads no more than lengths runs here, on another one
where there is one. Calls per second of the server's CPU time is the figure to trust on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from penstock.testing import Behaviour, serve_in_process


def request(number: int, *, categories: int) -> bytes:
    """Return one call as the numeric judge makes it: about 900 bytes of prompt."""
    nonce = "0123456789abcdef"
    text = f"Comment {number}: the parcel came late, but the people at the counter were kind about it. " * 3
    rubric = "\n".join(f"{index}. category {index}: what it means, in a few words" for index in range(categories))
    scores = {"type": "array", "items": {"type": "number"}, "minItems": categories, "maxItems": categories}
    schema = {"type": "object", "properties": {"scores": scores}, "required": ["scores"]}
    body = msgspec.json.encode(
        {
            "model": "bench",
            "messages": [
                {"role": "system", "content": f"Score the text.\n{rubric}"},
                {"role": "user", "content": f'<<<{nonce}\n{{"text": "{text}"}}\n{nonce}>>>'},
            ],
            "response_format": {"type": "json_schema", "json_schema": {"name": "scores", "schema": schema}},
            "temperature": 0,
        }
    )
    lines = (
        "POST /v1/chat/completions HTTP/1.1",
        "host: 127.0.0.1",
        "authorization: Bearer key",
        "accept: application/json",
        "content-type: application/json",
        f"content-length: {len(body)}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + body


class Client(asyncio.Protocol):
    """Sends one request after the other on one connection."""

    def __init__(self, requests: list[bytes]) -> None:
        self.requests = requests
        self.done = asyncio.get_running_loop().create_future()
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, blank, body = self.buffer.partition(b"\r\n\r\n")
        if not blank or len(body) < int(head.split(b"content-length: ")[1].split(b"\r\n")[0]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(body.decode())
        self.buffer = b""
        self._send()

    def _send(self) -> None:
        if self.requests:
            self.transport.write(self.requests.pop())
        else:
            self.transport.close()
            self.done.set_result(None)


async def offer(url: str, requests: list[bytes], *, connections: int) -> float:
    """Send all the requests over so many connections and return the seconds it took."""
    loop = asyncio.get_running_loop()
    address = urlsplit(url)
    began = time.perf_counter()
    pairs = [
        await loop.create_connection(lambda: Client(requests), address.hostname, address.port)
        for _ in range(connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(client.done for _, client in pairs)), 120)
    return time.perf_counter() - began


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a process has used (Linux)."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=20_000)
    options.add_argument("--connections", type=int, default=32)
    options.add_argument("--categories", type=int, default=10)
    options.add_argument("--latency", type=float, default=0.0)
    chosen = options.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    requests = [request(number, categories=chosen.categories) for number in range(chosen.calls)]
    with serve_in_process(Behaviour(latency=chosen.latency), cpu=cores[0]) as server:
        os.sched_setaffinity(0, {cores[-1]})
        asyncio.run(offer(server.url, requests[: chosen.calls // 10], connections=chosen.connections))
        before = cpu_seconds(server.pid)
        seconds = asyncio.run(offer(server.url, requests, connections=chosen.connections))
        used = cpu_seconds(server.pid) - before
        print(f"{chosen.calls} calls over {chosen.connections} connections, {chosen.categories} scores each")
        print(f"{chosen.calls / seconds:8.0f} calls/s by the clock")
        print(
            f"{chosen.calls / used:8.0f} calls per second of the server's CPU ({used / chosen.calls * 1e6:.0f} us each)"
        )
        stats = server.stats()
        print(f"answered {stats.answered}, most in flight {stats.peak_in_flight}")


if __name__ == "__main__":
    main()
