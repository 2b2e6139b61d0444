"""The process behind `serve_sheet_in_process`: reads its set-up as one line of JSON, serves until its input closes."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from penstock.errors import InputError
from penstock.testing.child import stay_on
from penstock.testing.sheet.behaviour import parse_sheet_behaviour
from penstock.testing.sheet.book import SheetBook
from penstock.testing.sheet.process import serve_sheet


def main() -> int:
    """Return the exit code."""
    setup = msgspec.json.decode(sys.stdin.buffer.readline())
    books = setup["books"]
    try:
        if setup["cpu"] is not None:
            stay_on(setup["cpu"])
        serve_sheet(
            parse_sheet_behaviour(setup["behaviour"]),
            books=None if books is None else {name: SheetBook.of(plain) for name, plain in books.items()},
            files={name: Path(path) for name, path in setup["files"].items()},
            port=setup["port"],
            lifeline=sys.stdin.buffer,
        )
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
