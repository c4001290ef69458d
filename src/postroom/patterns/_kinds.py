"""
Which values there are, as far as some entries of patterns can tell them apart.

Two values are of one kind if the same entries want them. Of numbers there is a kind at each number that an entry names and
one between any two, if a double is there; of IP addresses likewise; of strings see `_words`.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import attrs

from postroom.patterns._operators import (
    Absent,
    Address,
    AnythingBut,
    Cidr,
    Entry,
    EqualsIgnoreCase,
    Exactly,
    Number,
    Numeric,
    Prefix,
    Present,
    Suffix,
    Wildcard,
)
from postroom.patterns._values import WrittenNumber, address_of
from postroom.patterns._words import Texted, Word, words

_MAPPED: Final = 0xFFFF << 32
"""The first of the addresses of version 6 that stand for those of version 4."""
_PRODUCT_MAX: Final = 5_000
_TEXTED: Final = (Exactly, Prefix, Suffix, EqualsIgnoreCase, Wildcard)
_LITERALS: Final = (None, True, False)
_UNHEARD: Final = "1e400"


@attrs.frozen
class Kind:
    """
    Values that the same entries want.
    """

    wanted_by: frozenset[Entry]
    """If not all kinds are known: those of which it is sure that they do."""
    value: Any
    has_value: bool = True
    """Whether `value` is one; else it is not known whether there are any."""


def kinds(entries: Iterable[Entry]) -> list[Kind]:
    """
    All kinds of values, those that are easy to read first; a value of any kind may stand for the others of it.

    >>> [kind.value for kind in kinds([Number("5"), Prefix("pa")])]
    ['', 'pa', 5]

    Takes a bounded number of steps. If they do not suffice, the last kinds are vague: each stands for all that one entry
    wants, and one for any value.
    """
    known = list(dict.fromkeys(entries))
    strings, are_all = _strings(known)
    found = [*strings]
    found += [_kind(known, value) for value in (*_numbers(known), *_LITERALS)]
    if not are_all:
        always = frozenset(entry for entry in known if isinstance(entry, Present))
        found += [Kind(always | {entry}, None, has_value=False) for entry in known if not isinstance(entry, Absent)]
        found.append(Kind(always, None, has_value=False))
    return _distinct(found)


def _distinct(found: list[Kind]) -> list[Kind]:
    by_wanted: dict[frozenset[Entry], Kind] = {}
    for kind in found:
        before = by_wanted.setdefault(kind.wanted_by, kind)
        if kind.has_value and not before.has_value:
            by_wanted[kind.wanted_by] = kind
    return list(by_wanted.values())


def _kind(entries: Iterable[Entry], value: Any) -> Kind:
    return Kind(frozenset(entry for entry in entries if entry.wants(value)), value)


# Numbers.


def _parts(entries: Iterable[Entry]) -> Iterator[Entry]:
    """
    The entries, and what they exclude.
    """
    for entry in entries:
        yield entry
        if isinstance(entry, AnythingBut):
            yield from entry.entries


def _numbers(entries: Sequence[Entry]) -> Iterator[Any]:
    points: set[float] = set()
    written: list[str] = []
    for entry in _parts(entries):
        if isinstance(entry, Number):
            if entry.value is None:
                written.append(entry.text)
            else:
                points.add(entry.value + 0.0)
        elif isinstance(entry, Numeric):
            points.update(bound for bound in (entry.low, entry.high) if bound is not None)
    ordered = sorted(points)
    yield from map(tidy, ordered)
    for low, high in pairwise([None, *ordered, None]):
        between = number_within(Numeric(low, high))
        if between is not None:
            yield between
    yield from map(WrittenNumber, written)
    unheard = _UNHEARD
    while unheard in written:
        unheard += "0"
    yield WrittenNumber(unheard)


def tidy(number: float) -> int | float:
    """
    A number as one writes it.

    >>> tidy(5.0), tidy(5.5), tidy(1e300)
    (5, 5.5, 1e+300)
    """
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def number_within(bounds: Numeric) -> int | float | None:
    """
    A number that is wanted, with few digits; None: there is none.

    >>> number_within(Numeric(0.0, 1.0)), number_within(Numeric(100.0, None, has_low=True)), number_within(Numeric())
    (0.5, 100, 0)
    >>> number_within(Numeric(1.0, math.nextafter(1.0, 2.0))) is None
    True
    """
    for number in _within(bounds.low, bounds.high):
        if math.isfinite(number) and bounds.wants(number):
            return tidy(number + 0.0)
    return None


def _within(low: float | None, high: float | None) -> Iterator[float]:
    if low is not None:
        yield from (low, math.floor(low) + 1.0)
    if high is not None:
        yield from (high, math.ceil(high) - 1.0)
    yield 0.0
    if low is not None and high is not None:
        middle = low / 2 + high / 2
        yield from (round(middle, digits) for digits in range(17))
        yield middle
    for bound in (low, high):
        if bound is not None:
            yield from (bound * 2, bound / 2)
    if low is not None:
        yield math.nextafter(low, math.inf)
    if high is not None:
        yield math.nextafter(high, -math.inf)


# Strings and addresses.


def _strings(entries: Sequence[Entry]) -> tuple[list[Kind], bool]:
    """
    Kinds of strings, and whether they are all.
    """
    texted: list[Texted] = [
        entry
        for entry in _parts(entries)
        if isinstance(entry, _TEXTED) and (not isinstance(entry, Exactly) or isinstance(entry.value, str))
    ]
    blocks = [entry for entry in entries if isinstance(entry, Address | Cidr)]
    found, are_all = words(texted, by_oddity=bool(blocks))
    if not blocks:
        return [_kind(entries, word.text) for word in found], are_all
    no_addresses = [entry for entry in entries if not isinstance(entry, Address | Cidr)]
    strings: list[Kind] = []
    for word in found:
        if address_of(word.text) is None:
            strings.append(_kind(entries, word.text))
        elif not word.is_only:
            # It is an address by chance; there may be others like it that are none.
            strings.append(attrs.evolve(_kind(no_addresses, word.text), value=None, has_value=False))
    regions = list(_regions(blocks))
    plain = [word for word in found if not word.is_odd]
    if len(regions) * len(plain) > _PRODUCT_MAX:
        return [*strings, *(_kind(entries, _spellings(*region[:2])[0]) for region in regions)], False
    for region in regions:
        strings += _addresses(entries, no_addresses, region, plain)
    return strings, are_all


def _regions(blocks: Sequence[Address | Cidr]) -> Iterator[tuple[int, int, int]]:
    """
    Runs of addresses, as version, first and last, that no block takes in part.
    """
    for version, end in ((4, 1 << 32), (6, 1 << 128)):
        edges = {0, end}
        if version == 6:
            edges |= {_MAPPED, _MAPPED + (1 << 32)}
        for block in blocks:
            if isinstance(block, Cidr):
                if block.version == version:
                    edges |= {block.first, block.last + 1}
            elif block.address is not None and block.address[0] == version:
                edges |= {block.address[1], block.address[1] + 1}
        for first, after in pairwise(sorted(edges)):
            if version == 4 or first != _MAPPED:
                yield version, first, after - 1


def _addresses(
    entries: Sequence[Entry], no_addresses: Sequence[Entry], region: tuple[int, int, int], plain: Sequence[Word]
) -> Iterator[Kind]:
    """
    The kinds of addresses of a region. Where none is found that fits, there may be one nevertheless.
    """
    version, first, last = region
    # If nobody looks at the letters, one address is like another.
    is_plain = len(plain) == 1
    numbers = dict.fromkeys((min(first + 1, last), last, first))
    texts = [text for number in numbers for text in _spellings(version, number)]
    spelled = [_kind(entries, text) for text in texts[: 1 if is_plain else None]]
    for word in plain:
        address = address_of(word.text)
        if address is not None and address[0] == version and first <= address[1] <= last:
            spelled.append(_kind(entries, word.text))
    yield from spelled
    as_block = frozenset(
        entry for entry in entries if isinstance(entry, Address | Cidr) and entry in spelled[0].wanted_by
    )
    for word in plain:
        # What is wanted for being just this text is an address of the region, and was spelled, or is none.
        if not word.is_only:
            as_text = frozenset(entry for entry in no_addresses if entry.wants(word.text))
            yield Kind(as_block | as_text, None, has_value=False)


def _spellings(version: int, number: int) -> list[str]:
    """
    How an address may be written, the usual way first.

    >>> _spellings(4, 0x0A000001)
    ['10.0.0.1', '10.0.0.01', '10.0.0.001', '::ffff:a00:1', '::FFFF:A00:1', '0:0:0:0:0:ffff:a00:1']
    """
    if version == 4:
        usual = str(ipaddress.IPv4Address(number))
        head, _, last = usual.rpartition(".")
        high, low = number >> 16, number & 0xFFFF
        mapped = f"::ffff:{high:x}:{low:x}"
        padded = [f"{head}.{last.zfill(digits)}" for digits in range(len(last) + 1, 4)]
        return [usual, *padded, mapped, mapped.upper(), f"0:0:0:0:0:ffff:{high:x}:{low:x}"]
    address = ipaddress.IPv6Address(number)
    return list(dict.fromkeys([str(address), str(address).upper(), address.exploded]))
