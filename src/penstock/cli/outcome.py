"""What the commands that run a job have in common: progress while it runs, the result at its end, the exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from penstock.cli.plain import plain
from penstock.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from penstock.cli.systems import System
    from penstock.jobs.events import Listener
    from penstock.ledger.ledger import Job, Tally

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger and the runs. [PENSTOCK_HOME, else .penstock]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
quiet_option = click.option("--quiet", "-q", is_flag=True, help="No progress.")


class Result(Protocol):
    """How a job ended, whatever it computed."""

    @property
    def job(self) -> Job:
        """The job, with its status and id."""
        ...

    @property
    def output(self) -> Path | str | None:
        """The table that was written, or the address of a sheet."""
        ...

    @property
    def report(self) -> Path | None:
        """The page about the run."""
        ...

    @property
    def tally(self) -> Tally:
        """How its items ended."""
        ...

    @property
    def seconds(self) -> float:
        """Time this run took."""
        ...

    @property
    def gauges(self) -> Mapping[str, float]:
        """Calls, refusals and cache hits of this run."""
        ...


def run_and_report(
    run: Callable[[Sequence[Listener]], Awaitable[Result]], *, telling: System, as_json: bool, quiet: bool
) -> None:
    """Run a job with its progress shown, print how it ended, and leave with the exit code that says so.

    Args:
        run: Runs it, telling the listeners of every event.
        telling: The system, which knows what is worth telling.
        as_json: Whether to print JSON.
        quiet: Whether to show no progress.
    """
    import anyio

    from penstock.cli.progress import watching

    async def watched() -> Result:
        with watching(quiet=quiet) as listeners:
            return await run(listeners)

    result = anyio.run(watched)
    _print(_json(result, telling) if as_json else _text(result, telling))
    sys.exit(_exit_code(result))


def _print(words: str) -> None:
    try:
        click.echo(words)
    except BrokenPipeError:
        raise  # whoever read it has read enough
    except OSError as error:
        raise DeliveryError(f"The result cannot be printed ({error.strerror}): `penstock jobs show` has it.") from error


def _exit_code(result: Result) -> int:
    if result.job.status in {"interrupted", "cancelled"}:
        return 1 if result.job.error else 130  # stopped by its budget, or by somebody
    return 1 if result.tally.failures or result.tally.later or result.job.status == "failed" else 0


def _json(result: Result, system: System) -> str:
    import msgspec

    body = {
        "job": result.job.id,
        "status": result.job.status,
        "error": result.job.error,
        "rows": system.rows(result),
        "verdicts": result.tally.verdicts,
        "failures": result.tally.failures + result.tally.later,
        "seconds": round(result.seconds, 3),
        "output": str(result.output) if result.output else None,
        "report": str(result.report) if result.report else None,
        "gauges": result.gauges,
        **system.more(result),
    }
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


def _text(result: Result, system: System) -> str:
    job = result.job
    lines = [f"{job.id}: {job.status}, {system.rows(result):,} rows in {result.seconds:.1f} s"]
    lines += [f"  {plain(line)}" for line in system.outcome(result)]
    if job.error:
        lines.append(f"  {plain(job.error)}")
    calls = result.gauges.get("calls")
    if calls is not None:
        hits = result.gauges.get("cache_hits", 0)
        lines.append(f"  {calls:,.0f} calls, {result.gauges['throttled']:,.0f} refused, {hits:,.0f} from the cache")
    lines += [f"  {plain(line)}" for line in system.besides(result)]
    if result.output:
        lines.append(f"  table   {plain(str(result.output))}")
    if result.report:
        lines.append(f"  report  {plain(str(result.report))}")
    if job.status in {"interrupted", "cancelled", "failed"}:
        lines.append(f"  go on   penstock jobs resume {job.id}")
    return "\n".join(lines)
