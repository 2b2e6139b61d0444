"""Serves the handler on this machine as API Gateway would call it, so that everything can be tried without AWS.

    python examples/interleave_lambda/local.py --settings settings.json --log rankings.jsonl

It prints its address and serves until Ctrl-C. Calls become events of an HTTP API in payload format 2.0.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Collection
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit


def event_of(method: str, target: str, headers: dict[str, str], routes: Collection[str]) -> dict[str, Any]:
    """Make the event of a call."""
    address = urlsplit(target)
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(address.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    route = f"{method} {address.path}"
    cookies = headers.pop("cookie", "")
    return {
        "version": "2.0",
        "routeKey": route if route in routes else "$default",
        "rawPath": address.path,
        "rawQueryString": address.query,
        "cookies": [pair.strip() for pair in cookies.split(";")] if cookies else None,
        "headers": headers,
        "queryStringParameters": {name: ",".join(values) for name, values in query.items()} or None,
        "requestContext": {"http": {"method": method, "path": address.path}, "stage": "$default"},
        "isBase64Encoded": False,
    }


class Calls(BaseHTTPRequestHandler):
    """Hands each call to the handler and sends back what it answers."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, handler: Callable[[Any, Any], Any], routes: Collection[str]) -> None:
        self.handler = handler
        self.routes = routes
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer one call."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        event = event_of("GET", self.path, headers, self.routes)
        answer = self.handler(json.loads(json.dumps(event)), None)  # through JSON, as on the way to a function
        body = answer["body"].encode()
        self.send_response(answer["statusCode"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Keep standard output for the log lines of the rankings."""


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve the handler on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=8765, help="0 takes a free one (8765)")
    parser.add_argument("--settings", default="", help="a .json or .toml file; otherwise RECO_SETTINGS or RECO_MODE")
    parser.add_argument("--log", default="", help="file for the log lines; otherwise standard output")
    parser.add_argument("--ttl", default="", help="seconds for which settings that were read are used")
    given = parser.parse_args()
    for name in ("settings", "log", "ttl"):
        if getattr(given, name):
            os.environ[f"RECO_{name.upper()}"] = getattr(given, name)
    app = import_module("app")  # after the environment is set, and before the first call, as for a function
    calls = partial(Calls, handler=app.handler, routes=app.ROUTES)
    server = ThreadingHTTPServer(("127.0.0.1", given.port), calls)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
