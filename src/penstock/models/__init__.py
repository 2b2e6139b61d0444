"""Asks models: one shape for all of them, one session per process, one pace per account."""

from penstock.models.model import Model, Prompt, Reply
from penstock.models.session import ModelSpec, Session

__all__ = ["Model", "ModelSpec", "Prompt", "Reply", "Session"]
