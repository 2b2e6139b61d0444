"""`penstock jobs`: what was run, what is running, and going on with it."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.outcome import home_option, json_option, quiet_option, run_and_report
from penstock.cli.plain import plain, say
from penstock.cli.systems import system_of
from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from penstock.jobs.workspace import Workspace
    from penstock.ledger.ledger import Chunk, Job, Tally
    from penstock.records import Usage

_job = click.argument("job_id", metavar="[JOB]", required=False)
_budget = click.option(
    "--budget",
    type=click.FloatRange(min=0, min_open=True),
    metavar="USD",
    help="Stop before the job has cost more in all; score only. [as said last]",
)
_no_budget = click.option("--no-budget", is_flag=True, help="Go on whatever it costs.")


@click.group()
def jobs() -> None:
    """List, watch, cancel and resume jobs.

    JOB is an id or the beginning of one; without it, the newest job is meant.
    """


@jobs.command("list")
@home_option
@json_option
def list_jobs(home: Path | None, *, as_json: bool) -> None:
    """List all jobs, newest first."""

    async def find(workspace: Workspace) -> list[Job]:
        return await workspace.jobs()

    found = _with_workspace(home, find)
    if as_json:
        click.echo(_json([_summary(job) for job in found]))
        return
    for job in found:
        click.echo(f"{job.id}  {job.status:<11}  {job.rows:>10,} rows  {_when(job.created_at)}")
    if not found:
        click.echo("There are no jobs yet.", err=True)


@jobs.command()
@_job
@home_option
@json_option
def show(job_id: str | None, home: Path | None, *, as_json: bool) -> None:
    """Show one job: its chunks, and how its items ended."""

    async def find(workspace: Workspace) -> tuple[Job, list[Chunk], Tally, list[Any], Usage]:
        job = await workspace.find(job_id)
        ledger = workspace.ledger
        failures = await ledger.failures(job.id, limit=20)
        return job, await ledger.chunks(job.id), await ledger.tally(job.id), failures, await ledger.spent(job.id)

    job, chunks, tally, failures, usage = _with_workspace(home, find)
    if as_json:
        body = {
            **_summary(job),
            "tally": asdict(tally),
            "usage": asdict(usage),
            "chunks": [asdict(chunk) for chunk in chunks],
            "failures": [asdict(failure) for failure in failures],
        }
        click.echo(_json(body))
        return
    click.echo(f"{job.id}  {job.status}")
    if job.error:
        click.echo(f"  {plain(job.error)}")
    click.echo(f"  begun    {_when(job.created_at)}")
    click.echo(f"  folder   {plain(job.folder)}")
    click.echo(f"  items    {tally.verdicts:,} judged, {tally.failures + tally.later:,} failed, {job.rows:,} rows")
    if usage.calls:
        cost = f", {usage.cost_usd:,.4f} USD" if usage.cost_usd else ""
        click.echo(f"  took     {usage.calls:,} calls, {usage.tokens_in:,} tokens in, {usage.tokens_out:,} out{cost}")
    for status in ("completed", "running", "pending", "failed"):
        count = sum(chunk.status == status for chunk in chunks)
        if count:
            click.echo(f"  chunks   {count:,} {status}")
    first = _first_row(job)
    for failure in failures:
        click.echo(f"  row {failure.key.row + first}: {failure.code}: {plain(failure.reason)}")


@jobs.command()
@_job
@_budget
@_no_budget
@home_option
@json_option
@quiet_option
def resume(
    job_id: str | None, budget: float | None, home: Path | None, *, no_budget: bool, as_json: bool, quiet: bool
) -> None:
    """Go on with a job where it stopped; what is in the ledger is not asked again."""
    _go_on(job_id, home, again=False, budget=_limit(budget, no_budget=no_budget), as_json=as_json, quiet=quiet)


@jobs.command("retry-failed")
@_job
@_budget
@_no_budget
@home_option
@json_option
@quiet_option
def retry_failed(
    job_id: str | None, budget: float | None, home: Path | None, *, no_budget: bool, as_json: bool, quiet: bool
) -> None:
    """Ask again for the rows that failed, and for nothing else."""
    _go_on(job_id, home, again=True, budget=_limit(budget, no_budget=no_budget), as_json=as_json, quiet=quiet)


@jobs.command()
@_job
@home_option
def cancel(job_id: str | None, home: Path | None) -> None:
    """Stop a job; what it has done stays in the ledger."""

    async def request(workspace: Workspace) -> tuple[Job, bool]:
        job = await workspace.find(job_id)
        if job.status == "running":
            await workspace.ledger.request_stop(job.id)
            return job, True
        if job.status in {"pending", "interrupted"}:
            await workspace.ledger.set_status(job.id, "cancelled")
            return job, True
        return job, False

    job, stopped = _with_workspace(home, request)
    if job.status != "running":  # also one that had ended before: its batches go on at the provider until then
        _withdraw(job, home)
    click.echo(
        f"{job.id} is {'being stopped' if job.status == 'running' else 'cancelled'}."
        if stopped
        else f"{job.id} is {job.status} already."
    )


@jobs.command()
@_job
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="Where to write.")
@home_option
def deliver(job_id: str | None, output: Path, home: Path | None) -> None:
    """Write the table as far as the job has come; rows not judged yet say `pending`."""

    async def write(workspace: Workspace) -> None:
        from penstock.tables import check_writable

        job = await workspace.find(job_id)
        prepared = await system_of(job.system).take_up(workspace, job)
        check_writable(output)
        await prepared.deliver(job.id, output)

    _with_workspace(home, write)
    click.echo(str(output))


def _first_row(job: Job) -> int:
    """The number that people see at the first row: 1, or that of a Google sheet."""
    import msgspec

    layout: Any = msgspec.json.decode(job.config).get("layout")
    return int(layout["first_row"]) if layout else 1


def _limit(budget: float | None, *, no_budget: bool) -> float | None:
    """What a job may cost; infinity for whatever it costs, None for what was said last."""
    if no_budget and budget is not None:
        raise InputError("--budget and --no-budget say different things: give one of them.")
    return math.inf if no_budget else budget


def _withdraw(job: Job, home: Path | None) -> None:
    """Take back what a job that nobody works on has left at a provider."""
    withdraw = system_of(job.system).withdraw
    if withdraw is None:
        return
    taken = _with_workspace(home, lambda workspace: withdraw(workspace, job))
    if taken:
        click.echo(f"{taken:,} {'batch was' if taken == 1 else 'batches were'} cancelled at the provider.")


def _go_on(
    job_id: str | None, home: Path | None, *, again: bool, budget: float | None, as_json: bool, quiet: bool
) -> None:
    async def find(workspace: Workspace) -> Job:
        return await workspace.find(job_id)

    job = _with_workspace(home, find)
    system = system_of(job.system)
    if budget is not None and not system.budgets:
        raise InputError(f"A {system.name} job keeps no budget: leave --budget away.")
    money = {"budget": budget} if system.budgets else {}
    run_and_report(
        lambda listeners: system.resume(
            job.id, home=home, again=again, listeners=listeners, signals=True, say=say, **money
        ),
        telling=system,
        as_json=as_json,
        quiet=quiet,
    )


def _with_workspace(home: Path | None, use: Callable[[Workspace], Awaitable[Any]]) -> Any:
    import anyio

    from penstock.jobs.workspace import Workspace

    async def opened() -> Any:
        async with Workspace(home) as workspace:
            return await use(workspace)

    return anyio.run(opened)


def _summary(job: Job) -> dict[str, Any]:
    import msgspec

    return {**asdict(job), "config": msgspec.json.decode(job.config)}


def _json(body: Any) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
