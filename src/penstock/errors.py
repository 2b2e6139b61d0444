"""Everything that can go wrong, as one tree; a class says what to do next.

PenstockError ─┬─ InputError          fix the file, the column, the option or the key; nothing was written
               │   ├─ MissingExtra    install the extra that the message names
               │   ├─ Refused         the server turned the account away: key, model or address
               │   └─ NoServer        nobody answers at the address
               ├─ JobError            the job is unknown, busy, or its parts do not fit
               ├─ LedgerError         the ledger cannot be read or written: make room or repair it, then resume
               ├─ DeliveryError       the results are safe in the ledger; make room or close the file, then resume
               ├─ Outage              the model has been out of reach for long; resume later
               ├─ BudgetSpent         the money is used up; resume with a larger budget
               ├─ ItemError           skip this item; the run goes on
               │   ├─ Unfit           the item itself cannot be judged (empty, broken, too long)
               │   ├─ Rejected        the model declined this prompt, and would again
               │   └─ BadReply        the reply does not fit what was asked
               └─ Later               the same call may succeed later
                   ├─ Throttled       asked too often; may say when to come back
                   ├─ Unpaid          the budget had no room for it
                   └─ Unreachable     no answer: connection lost, time limit or a server error
                       ├─ TimedOut       the answer did not come in time
                       └─ NoConnection   the connection could not even be made

Messages are one sentence: what is wrong, where, and what to do.
"""

from typing import Any


class PenstockError(Exception):
    """Any error that Penstock raises on purpose."""


class InputError(PenstockError):
    """Something that was given is wrong: fix it and run again; nothing was written."""


class MissingExtra(InputError):
    """A format or service needs a library that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an extra: pip install 'penstock[{extra}]'.")


class Refused(InputError):
    """The server turned the account away (401, 403, 404): fix the key, the model's name or the address."""


class NoServer(InputError):
    """Nobody has ever answered at the address: start the server or mend the address."""


class JobError(PenstockError):
    """The job is unknown, is being run by another process, or no longer fits its ledger."""


class LedgerError(PenstockError):
    """The ledger cannot be read or written; what it already has is safe."""


class DeliveryError(PenstockError):
    """Results could not be written; they are kept in the ledger, and a resume delivers them."""


class Outage(PenstockError):
    """The model has been out of reach for longer than the job's patience; resume when it is back."""


class BudgetSpent(PenstockError):
    """The budget has no room for another call; what was paid for is kept, and a resume with a larger one goes on."""


class ItemError(PenstockError):
    """This item cannot be judged; the run goes on.

    Attributes:
        code: The kind of failure, one word for tables and counts.
        status: The HTTP status behind it, where there was one.
        usage: What the calls behind it took, where there were any.
    """

    code = "item"

    usage: Any

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.usage = None


class Unfit(ItemError):
    """The item itself cannot be judged: empty, broken or too long."""

    code = "unfit"


class Rejected(ItemError):
    """The model declined this prompt and would again (400, content filter)."""

    code = "rejected"


class BadReply(ItemError):
    """The reply does not fit what was asked: not JSON, a wrong count, not a number."""

    code = "bad_reply"


class Later(PenstockError):
    """The same call may succeed later.

    Attributes:
        code: The kind of failure, one word for tables and counts.
        status: The HTTP status behind it, where there was one.
        usage: What the calls behind it took, where there were any.
    """

    code = "later"

    usage: Any

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.usage = None


class Throttled(Later):
    """The server asked for fewer calls (429, or 503 with `Retry-After`).

    Attributes:
        retry_after: Seconds the server asked to wait, where it said so.
        limits: What else the server said about its limits, for the pace.
    """

    code = "throttled"

    def __init__(
        self, reason: str, *, status: int | None = 429, retry_after: float | None = None, limits: Any = None
    ) -> None:
        super().__init__(reason, status=status)
        self.retry_after = retry_after
        self.limits = limits


class Unpaid(Later):
    """The budget had no room for this item; a larger one has."""

    code = "unpaid"


class Unreachable(Later):
    """No usable answer: the connection failed, the time was up, or the server had an error (5xx)."""

    code = "unreachable"


class TimedOut(Unreachable):
    """The answer did not come in time."""


class NoConnection(Unreachable):
    """The connection could not be made: nothing was asked, so nothing about the item is to blame."""
