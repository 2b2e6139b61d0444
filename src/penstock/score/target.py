"""Where the scores of a job go, and what it takes to bring them there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from penstock.errors import InputError
from penstock.score.deliver import Layout, deliver
from penstock.tables import check_added, check_writable, same_file, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.jobs.outlet import Outlet
    from penstock.ledger.ledger import Ledger
    from penstock.score.config import ScoreConfig
    from penstock.score.summary import Summary
    from penstock.tables import Row, Table


class Target(Protocol):
    """Takes the scores of a job."""

    @property
    def name(self) -> Path | str:
        """Where people find the scores: a path or an address."""
        ...

    async def check(self) -> None:
        """Make sure, before the first call, that scores can be brought there.

        Raises:
            InputError: They cannot.
        """
        ...

    def outlet(self) -> Outlet | None:
        """Make what sends scores on while the job goes on; None where all is brought at the end."""
        ...

    def gauges(self) -> dict[str, float]:
        """What it measured so far."""
        ...

    async def deliver(self, ledger: Ledger, job_id: str, *, summary: Summary | None = None) -> None:
        """Bring everything the ledger has; may be done again and again.

        Raises:
            DeliveryError: It could not be brought; the ledger still has it.
        """
        ...


class FileTarget:
    """A table that is written whole, at the end."""

    def __init__(
        self, config: ScoreConfig, table: Table, path: Path, *, picked: Callable[[int], bool] | None = None
    ) -> None:
        """Remember what belongs into it.

        Args:
            config: Of the job.
            table: The source.
            path: Where to write; the suffix names the format.
            picked: Says which rows belong to the job, by number; None for all.
        """
        self._config = config
        self._table = table
        self._path = path
        self._picked = picked
        self._layout = Layout.of(config)

    @property
    def name(self) -> Path:
        """The path of the table."""
        return self._path

    async def check(self) -> None:
        """Make sure that the table can be written, and its columns are free.

        Raises:
            InputError: It cannot, or one is there already.
        """
        check_added(self._table, self._layout.names, otherwise="rename the category")
        if self._config.layout is None and same_file(Path(self._config.source), self._path):
            raise InputError(f"The output {self._path} is the table itself; write to another file.")
        check_writable(self._path)

    def outlet(self) -> Outlet | None:
        """Nothing is sent before the end: a file appears whole or not at all."""
        return None

    def gauges(self) -> dict[str, float]:
        """A file measures nothing."""
        return {}

    async def deliver(self, ledger: Ledger, job_id: str, *, summary: Summary | None = None) -> None:
        """Write the table.

        Raises:
            DeliveryError: It could not be written; the outcomes are still in the ledger.
        """
        await deliver(
            ledger,
            job_id,
            self._table,
            self._path,
            layout=self._layout,
            picked=self._picked,
            blank=self._blank,
            summary=summary,
        )

    def _blank(self, row: Row) -> bool:
        """Whether a row of a Google sheet has no text; in a file such a row is one that cannot be judged."""
        return self._config.layout is not None and not any(text_of(cell).strip() for cell in row.cells)
