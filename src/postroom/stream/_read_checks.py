"""
The arguments of the calls by which a stream is read, with AWS's texts (KIN 12).
"""

from __future__ import annotations

import re
from typing import Final

from postroom import limits
from postroom.clock import Instant, to_datetime, to_instant_us
from postroom.errors import ExpiredIterator, InvalidInput, KinesisInvalidArgument, KinesisResourceNotFound
from postroom.stream._checks import NAME, NAME_PATTERN, Place, Violations, as_count, as_sequence_number, as_text
from postroom.stream._sequence import Decoded, Origin, decode, shard_id_of

ITERATOR_TYPES: Final = ("AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SHARD_ID: Final = re.compile(r"(?:[^-]*-)?(\d+)", re.ASCII)


def shard_number(shard_id: object, place: Place) -> int:
    """
    The number in a shard id, which may be written carelessly: ``shard-0``, ``-7`` and ``7`` will do (KIN 2).
    """
    text = as_text(shard_id, "shard_id")
    faults = Violations()
    if text and not NAME.fullmatch(text):
        faults.add(text, "shardId", f"satisfy regular expression pattern: {NAME_PATTERN}")
    faults.length(text, "shardId", 1, limits.STREAM_NAME_MAX_CHARS)
    faults.refuse("A shard id is written shardId-000000000000.")
    found = _SHARD_ID.fullmatch(text)
    if found is None or (number := int(found[1])) > limits.SHARD_INDEX_MAX:
        raise KinesisResourceNotFound(
            f"Could not find shard {text} in {place}.", help="A shard id is written shardId-000000000000."
        )
    return number


def refuse_shard(shard_id: str, place: Place, count: int) -> KinesisResourceNotFound:
    """
    The error for a shard that the stream has not (KIN 12).
    """
    return KinesisResourceNotFound(
        f"Shard {shard_id} in {place} does not exist", help=f"The stream has {count} shards, from 0 to {count - 1}."
    )


def starting_number(given: object) -> str:
    """
    A StartingSequenceNumber that is at least a number.
    """
    return as_sequence_number(given, "starting_sequence_number", "startingSequenceNumber")


def check_starting(text: str, origin: Origin, place: Place, count: int) -> Decoded:
    """
    What a StartingSequenceNumber says, once it is known to be one of the shard (KIN 12).

    Args:
        text: The number.
        origin: The shard it is used on.
        place: The stream.
        count: How many shards that has.
    """
    decoded = decode(text)
    said = f"StartingSequenceNumber {text} used in GetShardIterator on shard {origin.shard_id} in {place} is invalid"
    # AWS answers 0 for shard 0 with an internal failure.
    if decoded is None or (decoded.is_ancient and decoded.shard == origin.number):
        raise KinesisInvalidArgument(
            f"{said}.", help="Give one that a record of this shard has, or the shard's starting_sequence_number."
        )
    if not decoded.is_ancient and (decoded.created_s != origin.created_s or decoded.shard >= count):
        raise KinesisInvalidArgument(
            f"{said} because it did not come from this stream.", help=f"The stream has shards 0 to {count - 1}."
        )
    if decoded.shard != origin.number:
        raise KinesisInvalidArgument(
            f"Invalid StartingSequenceNumber. It encodes {shard_id_of(decoded.shard)}, "
            f"while it was used in a call to a shard with {origin.shard_id}",
            help="Sequence numbers of one shard say nothing in another.",
        )
    return decoded


def check_combination(given: object, number: object, timestamp: Instant | None, now: int) -> int | None:
    """
    Whether a kind of iterator goes with the rest of the call (KIN 6, 12).

    Returns:
        The timestamp in microseconds since the epoch, cut to milliseconds, if there is one.
    """
    kind = as_text(given, "shard_iterator_type")
    if kind not in ITERATOR_TYPES:
        faults = Violations()
        faults.add(kind, "shardIteratorType", f"satisfy enum value set: [{', '.join(ITERATOR_TYPES)}]")
        faults.refuse("The five kinds are these.")
    if (number is not None) != (kind in {"AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"}):
        raise KinesisInvalidArgument(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or "
            "(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "
            f"Request specified {kind} and {'no' if number is None else 'also a'} StartingSequenceNumber.",
            help="starting_sequence_number goes with these two kinds, and they with it.",
        )
    if kind != "AT_TIMESTAMP":
        if timestamp is not None:
            raise InvalidInput(
                f"A timestamp does not go with {kind}.", help="Give AT_TIMESTAMP, or leave the timestamp out."
            )
        return None
    if timestamp is None:
        raise KinesisInvalidArgument(
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. "
            "Current request has no timestamp parameter.",
            help="Give timestamp, an aware datetime or seconds since the epoch.",
        )
    millis, now_millis = to_instant_us(timestamp, "timestamp") // 1_000, now // 1_000
    if millis > now_millis:
        raise KinesisInvalidArgument(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
            f"timestampInMillis: {millis}, currentTimestampInMillis: {now_millis}",
            help="To wait for what is still to come, give LATEST.",
        )
    return millis * 1_000


def check_limit(given: object) -> int:
    """
    How many records one GetRecords may return.
    """
    limit = as_count(given, "limit")
    faults = Violations()
    if limit < 1:
        faults.add(limit, "limit", "have value greater than or equal to 1")
    elif limit > limits.GET_RECORDS_MAX:
        faults.add(limit, "limit", f"have value less than or equal to {limits.GET_RECORDS_MAX}")
    faults.refuse(f"limit={limit}: expected 1 to {limits.GET_RECORDS_MAX}.")
    return limit


def check_iterator(given: object) -> str:
    """
    A shard iterator, as far as its length goes.
    """
    text = as_text(given, "shard_iterator")
    if not 1 <= len(text) <= limits.SHARD_ITERATOR_MAX_CHARS:
        faults = Violations()
        faults.length(text, "shardIterator", 1, limits.SHARD_ITERATOR_MAX_CHARS)
        faults.refuse("Give one that get_shard_iterator or get_records returned.")
    return text


def refuse_iterator() -> KinesisInvalidArgument:
    """
    The error for what this stream has not made (KIN 6).
    """
    return KinesisInvalidArgument(
        "Invalid ShardIterator.", help="Give one that get_shard_iterator or get_records of this stream returned."
    )


def refuse_expired(issued_at_us: int, now: int) -> ExpiredIterator:
    """
    The error for an iterator of more than five minutes (KIN 6).
    """
    return ExpiredIterator(
        f"Iterator expired. The iterator was created at time {_date(issued_at_us)} while right now it is {_date(now)} "
        f"which is further in the future than the tolerated delay of {limits.SHARD_ITERATOR_LIFE_US // 1_000} milliseconds.",
        help="Get a new one after the last sequence number that was read: AFTER_SEQUENCE_NUMBER.",
    )


def check_max_records(given: object) -> int:
    """
    How many records one look of a reader may return.
    """
    if as_count(given, "max_records") < 1:
        raise InvalidInput(f"max_records={given!r} is no number of records.", help="Give an int, 1 or more.")
    return as_count(given, "max_records")


def check_when_ready(callback: object, until: object) -> None:
    """
    What is to be called when there is something to read, and until when that may take.
    """
    if not callable(callback):
        raise InvalidInput(f"callback={callback!r} cannot be called.", help="Give a function without arguments.")
    if until is not None and (isinstance(until, bool) or not isinstance(until, int)):
        raise InvalidInput(f"until={until!r} is no instant.", help="Give an int, microseconds since the epoch.")


def _date(at_us: int) -> str:
    at = to_datetime(at_us)
    return f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day:02d} {at:%H:%M:%S} UTC {at.year}"
