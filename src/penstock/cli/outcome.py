"""What the commands that run a job have in common: progress while it runs, the result at its end, the exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.plain import plain
from penstock.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from penstock.jobs.events import Listener
    from penstock.score.run import ScoreResult

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger and the runs. [PENSTOCK_HOME, else .penstock]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
quiet_option = click.option("--quiet", "-q", is_flag=True, help="No progress.")


def run_and_report(run: Callable[[Sequence[Listener]], Awaitable[ScoreResult]], *, as_json: bool, quiet: bool) -> None:
    """Run a job with its progress shown, print how it ended, and leave with the exit code that says so."""
    import anyio

    from penstock.cli.progress import watching

    async def watched() -> ScoreResult:
        with watching(quiet=quiet) as listeners:
            return await run(listeners)

    result = anyio.run(watched)
    _print(_json(result) if as_json else _text(result))
    sys.exit(_exit_code(result))


def _print(words: str) -> None:
    try:
        click.echo(words)
    except BrokenPipeError:
        raise  # whoever read it has read enough
    except OSError as error:
        raise DeliveryError(f"The result cannot be printed ({error.strerror}): `penstock jobs show` has it.") from error


def _exit_code(result: ScoreResult) -> int:
    if result.job.status in {"interrupted", "cancelled"}:
        return 130
    return 1 if result.tally.failures or result.tally.later or result.job.status == "failed" else 0


def _json(result: ScoreResult) -> str:
    import msgspec

    body = {
        "job": result.job.id,
        "status": result.job.status,
        "error": result.job.error,
        "rows": result.job.rows,
        "verdicts": result.tally.verdicts,
        "failures": result.tally.failures + result.tally.later,
        "seconds": round(result.seconds, 3),
        "output": str(result.output) if result.output else None,
        "report": str(result.report) if result.report else None,
        "gauges": result.gauges,
        "agreement": result.agreement,
    }
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


def _text(result: ScoreResult) -> str:
    job, tally = result.job, result.tally
    failed = tally.failures + tally.later
    lines = [f"{job.id}: {job.status}, {job.rows:,} rows in {result.seconds:.1f} s"]
    if failed:
        lines.append(f"  {failed:,} of {failed + tally.verdicts:,} judgements failed; the table says which, and why")
    if job.error:
        lines.append(f"  {plain(job.error)}")
    calls = result.gauges.get("calls")
    if calls is not None:
        hits = result.gauges.get("cache_hits", 0)
        lines.append(f"  {calls:,.0f} calls, {result.gauges['throttled']:,.0f} refused, {hits:,.0f} from the cache")
    if result.agreement:
        lines.append(f"  {_agreement(result.agreement)}")
    if result.output:
        lines.append(f"  table   {plain(str(result.output))}")
    if result.report:
        lines.append(f"  report  {plain(str(result.report))}")
    if job.status in {"interrupted", "cancelled", "failed"}:
        lines.append(f"  go on   penstock jobs resume {job.id}")
    return "\n".join(lines)


def _agreement(found: dict[str, Any]) -> str:
    def number(name: str) -> str:
        return "not defined" if found[name] is None else f"{found[name]:.3f}"

    return (
        f"agreement with {found['n_texts']:,} labelled texts, each judged unseen: macro F1 {number('macro_f1')}, "
        f"AUROC {number('auroc')}, calibration error {number('calibration_error')}"
    )
