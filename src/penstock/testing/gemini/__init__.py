"""A Gemini with files on loopback that misbehaves on demand, for tests and rehearsals."""

from penstock.testing.gemini.answers import expected_video_analyses, expected_video_scores
from penstock.testing.gemini.behaviour import GEMINI_FAULTS, GeminiBehaviour
from penstock.testing.gemini.process import serve_gemini
from penstock.testing.gemini.server import GeminiServer
from penstock.testing.gemini.videos import sample_video

__all__ = [
    "GEMINI_FAULTS",
    "GeminiBehaviour",
    "GeminiServer",
    "expected_video_analyses",
    "expected_video_scores",
    "sample_video",
    "serve_gemini",
]
