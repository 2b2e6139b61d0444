"""Videos for a model to look at: brought, uploaded once for all blocks of a row, and deleted whatever happens."""

from penstock.score.video.journal import Left, VideoJournal
from penstock.score.video.source import Authorizer
from penstock.score.video.videos import Videos, VideoStats

__all__ = ["Authorizer", "Left", "VideoJournal", "VideoStats", "Videos"]
