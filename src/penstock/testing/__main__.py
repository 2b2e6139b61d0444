"""The process behind `serve_in_process`: reads its set-up as one line of JSON, serves until its input closes."""

from __future__ import annotations

import sys

import msgspec

from penstock.errors import InputError
from penstock.testing.behaviour import parse_behaviour
from penstock.testing.child import stay_on
from penstock.testing.process import serve


def main() -> int:
    """Return the exit code."""
    setup = msgspec.json.decode(sys.stdin.buffer.readline())
    try:
        if setup["cpu"] is not None:
            stay_on(setup["cpu"])
        serve(parse_behaviour(setup["behaviour"]), port=setup["port"], lifeline=sys.stdin.buffer)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
