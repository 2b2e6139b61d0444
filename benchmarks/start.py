"""What a start costs: CPU seconds of short commands against the bare interpreter's, and which modules they load.

    python benchmarks/start.py [--rounds 10]

Every round runs all commands in turn, with bytecode compiled before the first one, as an installation has it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from measuring import PENSTOCK, must, spread, watched

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import penstock": [sys.executable, "-c", "import penstock"],
    "penstock --help": [PENSTOCK, "--help"],
    "penstock score --help": [PENSTOCK, "score", "--help"],
    "penstock jobs list": [PENSTOCK, "jobs", "list"],
}

LOADED = """
import sys
before = set(sys.modules)
code = 0
try:
    if sys.argv[1:]:
        from penstock.cli import main
        main()
    else:
        import penstock
except SystemExit as end:
    code = end.code
loaded = set(sys.modules) - before
outside = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names - {"penstock"}
rooms = {name.split(".")[1] for name in loaded if name.startswith("penstock.")}
print("\\n", len(loaded), "|", " ".join(sorted(rooms)), "|", " ".join(sorted(outside)))
sys.exit(code)
"""
"""Runs a command in an interpreter and says at the end what it loaded."""


def main() -> None:
    """Print seconds, ratios and modules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"PYTHONPYCACHEPREFIX": str(Path(folder) / "bytecode"), "PENSTOCK_HOME": str(Path(folder))}
        seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for number in range(given.rounds + 1):
            for name, arguments in COMMANDS.items():
                ended = must(watched(arguments, every=0.01, environment=environment))
                if number:  # the first round compiled
                    seconds[name].append(ended.cpu)
        bare = statistics.median(seconds["python -c pass"])
        print(f"{'CPU seconds, median of ' + str(given.rounds):24} seconds [least, most]   / bare interpreter")
        for name, values in seconds.items():
            print(f"{name:24} {spread(values, form='.3f')}    {statistics.median(values) / bare:.1f}")
        print("\nmodules loaded besides the interpreter's own | rooms of Penstock | other packages")
        for name, arguments in COMMANDS.items():
            if "penstock" in name:
                told = arguments[1:] if arguments[0] == PENSTOCK else []
                ended = must(watched([sys.executable, "-c", LOADED, *told], environment=environment))
                print(f"{name:24}{ended.out.splitlines()[-1]}")


if __name__ == "__main__":
    main()
