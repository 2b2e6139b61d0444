"""Everything CI checks, in one command: format, lint, types, import contracts, tests with the docs' own examples.

    python3 run.py test

Each check says what it is; the first that fails is shown whole. Exit code 1 when any failed.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BIN = Path(sys.executable).parent
PLACES = ("src", "tests", "benchmarks", "examples", "run.py", "check.py")

QUICK = {
    "format": ("ruff", "format", "--check", *PLACES),
    "lint": ("ruff", "check", *PLACES),
    "types (mypy)": ("mypy",),
    "types (pyright)": ("basedpyright", "--level", "error"),
    "import contracts": ("lint-imports",),
}
TESTS = (sys.executable, "-m", "pytest", "-n", str(max(2, os.cpu_count() or 2)), "--dist", "worksteal")


def main() -> int:
    """Return 0 when all checks passed."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        passed = list(pool.map(lambda check: run(*check), QUICK.items()))
    began = time.perf_counter()
    passed.append(subprocess.run(TESTS, check=False).returncode == 0)
    print(f"{'ok' if passed[-1] else 'FAILED'}  tests  {time.perf_counter() - began:.0f} s", flush=True)
    return 0 if all(passed) else 1


def run(name: str, command: tuple[str, ...]) -> bool:
    """Run one check; show what it printed only if it failed."""
    began = time.perf_counter()
    done = subprocess.run([BIN / command[0], *command[1:]], check=False, capture_output=True, text=True)
    failed = done.returncode != 0
    said = f"\n{done.stdout}{done.stderr}" if failed else ""
    print(f"{'FAILED' if failed else 'ok'}  {name}  {time.perf_counter() - began:.0f} s{said}", flush=True)
    return not failed


if __name__ == "__main__":
    sys.exit(main())
