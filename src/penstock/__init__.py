"""Durable pipelines that judge text with models."""

__version__ = "0.1.0"
