"""Progress of a running job: a live line on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from penstock.cli.plain import errors, plain, say
from penstock.jobs.events import ChunkChanged, Event, JobChanged, Preparing, Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from penstock.jobs.events import Listener

EVERY = 5.0
"""Seconds between two plain lines."""


@contextmanager
def watching(*, quiet: bool) -> Generator[Sequence[Listener]]:
    """Show progress on stderr while the block runs; give the listeners that do it."""
    stream = errors()
    if quiet or stream is None:
        yield ()
    elif stream.isatty():
        with _live() as listener:
            yield (listener,)
    else:
        yield (_Lines(),)


def describe(progress: Progress) -> str:
    """Say where a job stands in one line: rows, rate, time left, calls, refusals, cache."""
    share = 100 * progress.done / progress.items if progress.items else 100.0
    parts = progress.items // progress.rows if progress.rows else 1
    words = [
        f"{progress.done // parts:,}/{progress.rows:,} rows ({share:.0f} %)",
        f"{progress.rate / parts:,.0f} rows/s",
        f"{_time(progress.eta)} left" if progress.eta is not None else "",
        f"{progress.failed:,} failed" if progress.failed else "",
    ]
    gauges = progress.gauges
    if "batch_waiting" in gauges:
        words.append(f"{gauges['batch_waiting']:,.0f} questions at the provider, {gauges['batch_done']:,.0f} answered")
    elif "in_flight" in gauges:
        words.append(f"{gauges['in_flight']:.0f} in flight (limit {gauges['limit']:.0f})")
        words.append(f"{gauges['throttled']:,.0f} refused")
    if "cost_usd" in gauges:
        words.append(f"{gauges['cost_usd']:,.4f} USD")
    if gauges.get("unsent"):
        words.append(f"{gauges['unsent']:,.0f} not in the sheet yet")
    looked_up = gauges.get("cache_hits", 0) + gauges.get("cache_misses", 0)
    if looked_up:
        words.append(f"cache {100 * gauges['cache_hits'] / looked_up:.0f} %")
    return ", ".join(word for word in words if word)


def _time(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class _Lines:
    """Prints a line every few seconds, and one for every chunk that is put back or given up."""

    def __init__(self) -> None:
        self._shown = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Progress):
            if event.seconds - self._shown >= EVERY:
                self._shown = event.seconds
                say(describe(event))
        else:
            news(event)


def news(event: Preparing | JobChanged | ChunkChanged) -> None:
    """Print what is worth a line of its own."""
    if isinstance(event, Preparing):
        say(f"{event.job_id}: {plain(event.what)}")
    elif isinstance(event, JobChanged):
        if event.job.status == "running":
            say(f"{event.job.id}: {event.job.rows:,} rows; Ctrl-C keeps what is done")
    elif event.chunk.status != "completed":
        chunk = event.chunk
        what = "given up" if chunk.status == "failed" else "will be tried again"
        first, last = chunk.first_row + 1, chunk.first_row + chunk.rows
        say(f"chunk {chunk.number} (rows {first}-{last}): {what}: {plain(chunk.last_error)}")


@contextmanager
def _live() -> Generator[Listener]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(BarColumn(bar_width=24), TextColumn("{task.description}"), console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def listen(event: Event) -> None:
            if isinstance(event, Progress):
                bar.update(task, total=event.items, completed=event.done, description=escape(describe(event)))
            else:
                news(event)

        yield listen
