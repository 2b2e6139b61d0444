"""What users need to test their own pipelines: a model server that misbehaves on demand, and scripted models."""

from penstock.testing.answers import expected_analyses, expected_credits, expected_scores
from penstock.testing.behaviour import Behaviour, parse_behaviour, read_behaviour
from penstock.testing.embeddings import expected_embedding
from penstock.testing.faults import FAULTS, Fault
from penstock.testing.latency import Latency
from penstock.testing.obedient import obey_prompt, obey_request
from penstock.testing.process import ServerProcess, serve, serve_in_process
from penstock.testing.scripted import ScriptedModel
from penstock.testing.server import ModelServer
from penstock.testing.tally import Stats

__all__ = [
    "FAULTS",
    "Behaviour",
    "Fault",
    "Latency",
    "ModelServer",
    "ScriptedModel",
    "ServerProcess",
    "Stats",
    "expected_analyses",
    "expected_credits",
    "expected_embedding",
    "expected_scores",
    "obey_prompt",
    "obey_request",
    "parse_behaviour",
    "read_behaviour",
    "serve",
    "serve_in_process",
]
