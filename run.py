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
        return run("penstock", *arguments, folder=None)
    if command == "test":
        set_up("requirements-dev.lock")
        return run("python", "-m", "pytest", *arguments) if arguments else run("python", "check.py")
    print(__doc__, file=sys.stderr)
    return 2


def set_up(lock: str) -> None:
    """Install `lock` and this package into `.venv`, unless that was done for these very files.

    An environment for the tests serves everything: it holds the same versions, and more.
    """
    marks = {name: mark(name) for name in dict.fromkeys((lock, "requirements-dev.lock"))}
    if any((VENV / f"{name}.stamp").exists() and (VENV / f"{name}.stamp").read_text() == marks[name] for name in marks):
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
    (VENV / f"{lock}.stamp").write_text(marks[lock])


def mark(lock: str) -> str:
    """Sum up the files that an environment is made from."""
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", lock))).hexdigest()


def run(program: str, *arguments: str, folder: Path | None = ROOT) -> int:
    """Run one program of the environment, in the project's folder unless another is named."""
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "VIRTUAL_ENV": str(VENV),
    }
    os.chdir(folder or Path.cwd())
    if os.name != "nt":
        sys.stdout.flush()
        os.execve(BIN / program, [program, *arguments], environment)  # signals reach the program alone
    return subprocess.run([BIN / program, *arguments], check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
