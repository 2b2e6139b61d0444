"""Set up an environment of its own beside this file, then run a command in it.

    python3 run.py demo    score the sample table with the embedded judge and show the result
    python3 run.py test    everything CI checks: format, lint, types, import contracts, tests, docs
    python3 run.py test ARGS...      only the tests, with arguments for pytest
    python3 run.py penstock ARGS...  the command line itself

Needs Python 3.11 or newer and nothing else. Uses uv where it is on PATH, else venv and pip.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")


def main() -> int:
    """Return the exit code of the command that was run."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is the message for those who have an older one
        print(f"Penstock needs Python 3.11 or newer; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    command, arguments = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if command == "demo":
        set_up("requirements.lock")
        return run("python", "examples/demo.py", *arguments)
    if command == "penstock":
        set_up("requirements.lock")
        return run("penstock", *arguments)
    if command == "test":
        set_up("requirements-dev.lock")
        return run("python", "-m", "pytest", *arguments) if arguments else run("python", "check.py")
    print(__doc__, file=sys.stderr)
    return 2


def set_up(lock: str) -> None:
    """Install `lock` and this package into `.venv`, unless that was done for these very files."""
    wanted = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", lock))).hexdigest()
    stamp = VENV / f"{lock}.stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"setting up {VENV.name} from {lock} ...", file=sys.stderr, flush=True)
    python = BIN / "python"
    quiet = {"cwd": ROOT, "stdout": sys.stderr}
    uv = shutil.which("uv")
    try:
        if not python.exists():
            subprocess.run(
                [uv, "venv", "-q", VENV] if uv else [sys.executable, "-m", "venv", VENV], check=True, **quiet
            )
        install = [uv, "pip", "install", "-q", "--python", python] if uv else [python, "-m", "pip", "install", "-q"]
        compiled = ["--compile-bytecode"] if uv else ["--compile"]
        subprocess.run([*install, *compiled, "--require-hashes", "-r", lock], check=True, **quiet)
        subprocess.run([*install, *compiled, "--no-deps", "-e", "."], check=True, **quiet)
    except subprocess.CalledProcessError as error:
        hint = "" if python.exists() else " (on Debian: apt install python3-venv)"
        print(f"Setting up failed at: {' '.join(map(str, error.cmd))}{hint}", file=sys.stderr)
        raise SystemExit(2) from None
    for old in VENV.glob("*.stamp"):
        old.unlink()
    stamp.write_text(wanted)


def run(program: str, *arguments: str) -> int:
    """Run one program of the environment in the project's folder."""
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "VIRTUAL_ENV": str(VENV),
    }
    return subprocess.run([BIN / program, *arguments], check=False, env=environment, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
