"""Sends requests: one HTTP session for models, sheets and files, with nothing of theirs in it."""
