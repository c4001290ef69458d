"""
Shard iterators: opaque text that says where in a shard a reading goes on.

A position is written down, signed with a key of the stream's own and wrapped in base64: so there is no table of
iterators that would grow, each may be used as often as one likes, and none can be made up, changed, or taken to
another stream.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from hashlib import blake2b
from itertools import count
from struct import Struct
from typing import Final

from postroom.stream._sequence import SECOND_BITS

KEY_BITS: Final = 256
_SIGNATURE_BYTES: Final = 32
# A 1, as AWS's begin; issued, shard, ordinal, counter and second of the floor, and a number that makes each a new one.
_FORM: Final = Struct(">QqIQQQQ")
_REMEMBERED: Final = 1_024
_BYTES: Final = _FORM.size + _SIGNATURE_BYTES


class Iterators:
    """
    Writes and reads the iterators of one stream.

    >>> iterators = Iterators(key=7)
    >>> text = iterators.write(1_704_067_200_000_000, 0, 12)
    >>> iterators.read(text)
    (1704067200000000, 0, 12, 0)
    >>> iterators.write(1_704_067_200_000_000, 0, 12) == text, Iterators(key=8).read(text)
    (False, None)
    """

    __slots__ = ("_lately", "_next", "_signing")

    def __init__(self, key: int) -> None:
        self._signing = blake2b(key=key.to_bytes(KEY_BITS // 8, "big"), digest_size=_SIGNATURE_BYTES)
        self._next = count().__next__
        self._lately: dict[str, tuple[int, int, int, int]] = {}

    def write(self, now: int, shard: int, ordinal: int, floor: int = 0) -> str:
        """
        A new iterator for a position.

        Args:
            now: When it is made, in microseconds since the epoch.
            shard: The number of the shard.
            ordinal: How many records of the shard lie before.
            floor: The key of the first sequence number wanted, if it lies beyond all there were; else 0.
        """
        counter, second = floor >> SECOND_BITS, floor & (1 << SECOND_BITS) - 1
        said = _FORM.pack(1, now, shard, ordinal, counter, second, self._next())
        text = b2a_base64(said + self._sign(said), newline=False).decode()
        self._remember(text, (now, shard, ordinal, floor))
        return text

    def read(self, text: str) -> tuple[int, int, int, int] | None:
        """
        What the iterator stands for, in the order of `write`; None if this stream has made no such.

        One in double quotes is taken, too (KIN 6).
        """
        known = self._lately.get(text)
        if known is not None:
            return known
        if text[:1] == '"' == text[-1:]:
            text = text[1:-1]
        try:
            given = a2b_base64(text, strict_mode=True)
        except (Error, ValueError):
            return None
        said = given[: _FORM.size]
        if len(given) != _BYTES or given[_FORM.size :] != self._sign(said):
            return None
        _, issued, shard, ordinal, counter, second, _ = _FORM.unpack(said)
        position = issued, shard, ordinal, counter << SECOND_BITS | second
        self._remember(text, position)
        return position

    def _remember(self, text: str, position: tuple[int, int, int, int]) -> None:
        # Nearly always the iterator of the last response is the next to be read: it need not be checked.
        if len(self._lately) >= _REMEMBERED:
            self._lately.clear()
        self._lately[text] = position

    def _sign(self, said: bytes) -> bytes:
        signing = self._signing.copy()
        signing.update(said)
        return signing.digest()
