"""Asks models: one shape for all of them, one session per process, one pace per account."""

from penstock.models.model import Media, Model, Prompt, Reply
from penstock.models.session import ModelSpec, Session

__all__ = ["Media", "Model", "ModelSpec", "Prompt", "Reply", "Session"]
