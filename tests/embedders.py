"""An embedder that keeps count, waits and fails as it is told."""

import anyio
import numpy as np

from penstock.models.embedding_calls import Embedded
from penstock.records import Usage


class Tallied:
    """Turns a text into two numbers that can be predicted: its length and 1."""

    name = "tallied"

    def __init__(self, *, takes=0.0, fails=None, identity="tallied-1"):
        self.identity = identity
        self.calls = []
        self._takes = takes
        self._fails = fails or (lambda _: None)

    async def embed(self, texts, /):
        self.calls.append(list(texts))
        await anyio.sleep(self._takes)
        error = self._fails(texts)
        if error is not None:
            raise error
        usage = Usage(calls=1, tokens_in=10 * len(texts), cost_usd=0.5)
        return Embedded(vectors=np.array([vector(text) for text in texts], np.float32), usage=usage)


def vector(text):
    return [float(len(text)), 1.0]
