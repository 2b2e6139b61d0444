"""What a stop must not tear apart."""

from __future__ import annotations

import anyio


def kept() -> anyio.CancelScope:
    """Let the block finish when its flow is stopped: what is on the wire is paid for, so its answer is kept.

    Usage: `with kept(): ...`. Everything in the block must have a time limit of its own.
    """
    return anyio.CancelScope(shield=True)
