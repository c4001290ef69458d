"""
Sequence numbers: 56 decimal digits that hold where and when a record was written (KIN 4).

Written in hexadecimal, the number has 47 digits, the most significant first::

    2  ccccccccc  n  kkkkkkkkkkkkkkkk  00  wwwwwwwww  iiiiiiii  2
       created    |  counter               written    shard     version
                  low digit of the shard's number

*created* is the second in which the shard was made, *written* that in which the record arrived. The counter is shared
by five neighbouring shards, so that gaps within one shard are normal. Within a shard numbers rise: all to the left of the
counter is the same for all its records. A record keeps its counter and its instant; the digits are made when somebody
looks.
"""

from __future__ import annotations

from re import ASCII
from re import compile as compile_pattern
from typing import Final, NamedTuple

from postroom.limits import SECOND_US, SEQUENCE_SECOND_END

SECOND_BITS: Final = 36
_NUMBER_AT: Final = 4
_WRITTEN_AT: Final = 36
_ZERO_AT: Final = 72
_COUNTER_AT: Final = 80
_NIBBLE_AT: Final = 144
_CREATED_AT: Final = 148
_TWO_AT: Final = 184
_VERSION: Final = 2
_VERSIONS: Final = (0, 1, 2)
_COUNTER_END: Final = 1 << 63
_ANCIENT_END: Final = 1 << 124
_SECOND_MASK: Final = (1 << SECOND_BITS) - 1
_WELL_FORMED: Final = compile_pattern(r"0|[1-9]\d{0,128}", ASCII)


class Origin(NamedTuple):
    """
    What all records of one shard have in common.

    >>> origin = Origin.of(0, created_s=1_700_000_000)
    >>> origin.shard_id, origin.sequence_number(0, 1_700_000_000_000_000)
    ('shardId-000000000000', '49646437577108476416916876405825929425585429676275269634')
    """

    shard_id: str
    """``shardId-`` and twelve digits."""
    number: int
    """The number in the shard's id."""
    created_s: int
    """The second in which it was made, since the epoch."""
    prefix: int
    """A sequence number of the shard with nothing for counter and second."""

    @classmethod
    def of(cls, number: int, created_s: int) -> Origin:
        """
        That of the shard with this number in its id, made in that second.
        """
        prefix = 2 << _TWO_AT | created_s << _CREATED_AT | (number & 15) << _NIBBLE_AT | number << _NUMBER_AT | _VERSION
        return cls(shard_id_of(number), number, created_s, prefix)

    def sequence_number(self, counter: int, arrived_at_us: int) -> str:
        """
        The number of a record with that counter, which arrived at that instant.
        """
        return str(self.prefix | counter << _COUNTER_AT | written_s(arrived_at_us) << _WRITTEN_AT)


class Decoded(NamedTuple):
    """
    What a sequence number says.

    >>> decode("49590338271490256608559692538361571095921575989136588898")
    Decoded(shard=6, created_s=1542776258, counter=1734642199, written_s=1545084650, is_ancient=False)
    """

    shard: int
    """The number in the shard's id."""
    created_s: int | None
    """When the shard was made; None: the layout is none that is written today."""
    counter: int
    """Which record of its group of shards."""
    written_s: int
    """When it arrived."""

    is_ancient: bool = False
    """Whether it has a layout of long ago, of which only the shard is known."""

    @property
    def key(self) -> int:
        """
        Sorts as the numbers of one shard do.
        """
        return self.counter << SECOND_BITS | self.written_s


def decode(text: str) -> Decoded | None:
    """
    What the number says; None if it is none that Kinesis takes (KIN 4).

    Numbers below 2**124 are of an ancient layout, whose last four hexadecimal digits are the shard's number.

    >>> decode("5")
    Decoded(shard=5, created_s=None, counter=0, written_s=0, is_ancient=True)
    >>> decode("1" + "0" * 55) is None
    True
    """
    given = int(text)
    if given < _ANCIENT_END:
        return Decoded(given & 0xFFFF, None, 0, 0, is_ancient=True)
    counter = given >> _COUNTER_AT & (1 << 64) - 1
    created, written = given >> _CREATED_AT & _SECOND_MASK, given >> _WRITTEN_AT & _SECOND_MASK
    if (
        given >> _TWO_AT != 2
        or given & 15 not in _VERSIONS
        or counter >= _COUNTER_END
        or created >= SEQUENCE_SECOND_END
        or written >= SEQUENCE_SECOND_END
    ):
        return None
    shard = given >> _NUMBER_AT & 0xFFFF_FFFF
    is_ours = (
        given & 15 == _VERSION
        and given >> _NIBBLE_AT & 15 == shard & 15
        and given >> _ZERO_AT & (1 << _COUNTER_AT - _ZERO_AT) - 1 == 0
    )
    return Decoded(shard, created if is_ours else None, counter, written)


def is_well_formed(text: str) -> bool:
    """
    Whether it is a decimal number of up to 129 digits without leading zeros (KIN 12).

    >>> is_well_formed("0"), is_well_formed("007")
    (True, False)
    """
    return _WELL_FORMED.fullmatch(text) is not None


def written_s(arrived_at_us: int) -> int:
    """
    The second that a sequence number holds for that instant: its own, as far as the digits go.
    """
    return min(arrived_at_us // SECOND_US, SEQUENCE_SECOND_END - 1)


def shard_id_of(number: int) -> str:
    """
    The id of the shard with that number (KIN 2).

    >>> shard_id_of(17)
    'shardId-000000000017'
    """
    return f"shardId-{number:012d}"
