"""Coins and buckets that follow from words alone.

Everything that interleaving draws by lot comes from a seed, a string, through BLAKE2b in counter mode. The same seed
gives the same coins in every process, on every Python version, whatever `PYTHONHASHSEED` is, which `hash()` and
`random` do not promise; and it costs one hash, where a random generator costs ten.

The bucket that decides who is in the sample has a hash of its own. One hash for both would tie them: among the users
of the lowest 1 % of the buckets, the first coin would always fall on the same side.
"""

from __future__ import annotations

from hashlib import blake2b

BUCKETS = 10_000
"""Buckets that users are spread over: a sampling rate has steps of 0.01 %."""

_BITS = 512
_FRACTION = 53
_COIN = b"penstock.coin"
_BUCKET = b"penstock.bucket"
_UNIT = b"penstock.unit"


class Coins:
    """A stream of fair coins that follows from a seed; for one thread at a time.

    Args:
        seed: Any words; two seeds that differ anywhere give streams that have nothing to do with each other.
    """

    __slots__ = ("_bits", "_block", "_left", "_seed")

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode("utf-8", "surrogatepass")
        self._block = 0
        self._bits = int.from_bytes(blake2b(self._seed, person=_COIN, digest_size=64).digest(), "little")
        self._left = _BITS

    def flip(self) -> int:
        """Toss the next coin: 0 or 1."""
        if not self._left:
            self._more()
        self._left -= 1
        bit = self._bits & 1
        self._bits >>= 1
        return bit

    def bits(self, count: int) -> int:
        """Toss `count` coins at once: an integer from 0 to `2 ** count - 1`, the first coin as its lowest bit."""
        while self._left < count:
            self._more()
        self._left -= count
        taken = self._bits & ((1 << count) - 1)
        self._bits >>= count
        return taken

    def below(self, n: int) -> int:
        """Draw one of `0 .. n - 1`, all alike (Lumbroso 2013: what is too large is drawn again)."""
        if n < 2:
            return 0
        width = (n - 1).bit_length()
        while True:
            drawn = self.bits(width)
            if drawn < n:
                return drawn

    def uniform(self) -> float:
        """Draw a number from 0 up to, and without, 1, in steps of 2 ** -53."""
        return float(self.bits(_FRACTION) * 2.0**-_FRACTION)

    def _more(self) -> None:
        self._block += 1
        salt = self._block.to_bytes(8, "little")
        more = blake2b(self._seed, person=_COIN, salt=salt, digest_size=64).digest()
        self._bits |= int.from_bytes(more, "little") << self._left
        self._left += _BITS


def bucket(salt: str, unit_id: str) -> int:
    """Say in which of the buckets 0 to 9,999 a user is.

    Args:
        salt: The experiment, so that two experiments do not sample the same users.
        unit_id: The user, or the session where there is no user.
    """
    return _hash(_BUCKET, salt, unit_id) * BUCKETS >> 64


def in_sample(number: int, rate: float) -> bool:
    """Say whether a bucket is in the sample; a larger rate keeps everybody who was in.

    Args:
        number: The bucket.
        rate: From 0, nobody, to 1, everybody.
    """
    return number < round(rate * BUCKETS, 6)  # 0.07 * 10,000 is a little more than 700


def pseudonym(salt: str, unit_id: str) -> str:
    """Name a user in logs: 16 hexadecimal digits that tell users apart and do not say who they are."""
    return f"{_hash(_UNIT, salt, unit_id):016x}"


def _hash(purpose: bytes, salt: str, unit_id: str) -> int:
    words = f"{len(salt)}:{salt}{unit_id}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(words, person=purpose, digest_size=8).digest(), "big")
