"""
The arguments of a stream's calls, checked once, at the edge, with AWS's texts (KIN 12).

What is of the wrong type, AWS's API could not even express: `InvalidInput`. What is of the wrong form is a
ValidationException that lists all such faults of the call; what makes no sense is an InvalidArgumentException.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple, NoReturn, cast

from postroom import limits
from postroom.clock import Duration, to_us
from postroom.errors import (
    InvalidInput,
    KinesisInvalidArgument,
    KinesisLimitExceeded,
    KinesisValidationError,
    PostroomError,
)
from postroom.limits import SECOND_US
from postroom.stream._record import RecordEntry
from postroom.stream._sequence import decode, is_well_formed

HOUR_US: Final = 3_600 * SECOND_US
SEQUENCE_PATTERN: Final = r"0|([1-9]\d{0,128})"
_HASH_KEY_PATTERN: Final = r"0|([1-9]\d{0,38})"
NAME_PATTERN: Final = "[a-zA-Z0-9_.-]+"
_HASH_KEY: Final = re.compile(r"0|[1-9]\d{0,38}", re.ASCII)
NAME: Final = re.compile(NAME_PATTERN)


class Place(NamedTuple):
    """
    Which stream, for AWS's texts.
    """

    stream: str
    account: str

    def __str__(self) -> str:
        return f"stream {self.stream} under account {self.account}"


class Violations:
    """
    What is of the wrong form in one call, to be refused at once (KIN 12).

    >>> faults = Violations()
    >>> faults.length("", "partitionKey", 1, 256)
    >>> faults.refuse()
    Traceback (most recent call last):
    postroom.errors.KinesisValidationError: 1 validation error detected: Value '' at 'partitionKey' failed to satisfy
    constraint: Member must have length greater than or equal to 1
    """

    def __init__(self) -> None:
        self._items: list[str] = []
        self._more = 0

    def add(self, value: object, path: str, rule: str) -> None:
        """
        Notes one.
        """
        if len(self._items) < limits.VIOLATIONS_SHOWN_MAX:
            shown = "null" if value is None else f"'{value}'"
            self._items.append(f"Value {shown} at '{path}' failed to satisfy constraint: Member must {rule}")

    def length(self, value: str, path: str, least: int, most: int) -> None:
        """
        Text that may be too short or too long.
        """
        if len(value) < least:
            self.add(value, path, f"have length greater than or equal to {least}")
        elif len(value) > most:
            self.add(value, path, f"have length less than or equal to {most}")

    def refuse(self, advice: str = "") -> None:
        """
        Raises what there is, if there is any.
        """
        if self._items:
            count = len(self._items)
            raise KinesisValidationError(
                f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(self._items)}", help=advice
            )


# The stream itself.


def check_name(name: object) -> None:
    """
    The name of a stream (KIN 1).
    """
    text = as_text(name, "name")
    faults = Violations()
    if text and not NAME.fullmatch(text):
        faults.add(text, "streamName", f"satisfy regular expression pattern: {NAME_PATTERN}")
    faults.length(text, "streamName", 1, limits.STREAM_NAME_MAX_CHARS)
    faults.refuse("A stream has a name of 1 to 128 letters, digits, underscores, dots or hyphens.")


def check_shard_count(given: object, place: Place, region: str) -> int:
    """
    How many shards a stream is made with; None: as on demand (KIN 1).
    """
    if given is None:
        return limits.SHARDS_ON_DEMAND
    count = as_count(given, "shard_count")
    if count < 1:
        faults = Violations()
        faults.add(count, "shardCount", "have value greater than or equal to 1")
        faults.refuse("A stream has at least one shard.")
    if count > limits.SHARDS_MAX:
        raise KinesisLimitExceeded(
            f"This request would exceed the shard limit for the account {place.account} in {region}. "
            f"Current shard count for the account: 0. Limit: {limits.SHARDS_MAX}. "
            f"Number of additional shards that would have resulted from this request: {count}. "
            "Refer to the AWS Service Limits page "
            "(http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) "
            "for current limits and how to request higher limits.",
            help=f"shard_count={count}: expected 1 to {limits.SHARDS_MAX}.",
        )
    return count


def check_retention(given: Duration) -> int:
    """
    How long a stream keeps records when it is made, in microseconds.
    """
    span = to_us(given, "retention")
    hours, rest = divmod(span, HOUR_US)
    if rest:
        raise InvalidInput(
            f"retention={given!r} is no whole number of hours.", help="Kinesis counts hours: 24 * 3600 to 8760 * 3600."
        )
    return check_hours(hours)


def check_hours(given: object) -> int:
    """
    A retention period in hours, as microseconds.
    """
    hours = as_count(given, "hours")
    span = hours * HOUR_US
    if span < limits.STREAM_RETENTION_MIN_US:
        raise KinesisInvalidArgument(
            f"Minimum allowed retention period is 24 hours. Requested retention period ({hours} hours) is too short.",
            help="Expected 24 to 8760 hours.",
        )
    if span > limits.STREAM_RETENTION_MAX_US:
        raise KinesisInvalidArgument(
            f"Maximum allowed retention period is 8760 hours. Requested retention period ({hours} hours) is too long.",
            help="Expected 24 to 8760 hours (a year).",
        )
    return span


def refuse_retention(span: int, present: int, stream: str) -> KinesisInvalidArgument:
    """
    The error for an increase to less, or a decrease to more (KIN 12).
    """
    word, other = ("shorter", "Decrease") if span < present else ("longer", "Increase")
    return KinesisInvalidArgument(
        f"Requested retention period ({span // HOUR_US} hours) for stream {stream} can not be {word} than existing "
        f"retention period ({present // HOUR_US} hours). Use {other}RetentionPeriod API.",
        help=f"Call {other.lower()}_retention_period.",
    )


# Putting.


class Checked(NamedTuple):
    """
    A record that may be put.
    """

    data: bytes
    partition_key: str
    size: int
    """Bytes of both."""
    hash_key: int | None
    """Given in place of the partition key's."""


def check_record(data: object, partition_key: object, explicit_hash_key: object) -> Checked:
    """
    One record of PutRecord, but for the shard it goes to.
    """
    faults = Violations()
    checked = _check_form(data, partition_key, explicit_hash_key, faults, "")
    faults.refuse("The partition key has 1 to 256 characters, the data up to 1 MiB, the hash key up to 39 digits.")
    return _check_sense(*checked)


def check_entries(entries: Any) -> list[Checked]:
    """
    The records of one PutRecords; any fault refuses them all (KIN 5).
    """
    listed = _listed(entries)
    faults = Violations()
    if not listed:
        faults.add("[]", "records", "have length greater than or equal to 1")
    if len(listed) > limits.PUT_RECORDS_MAX:
        faults.add("[...]", "records", f"have length less than or equal to {limits.PUT_RECORDS_MAX}")
    forms = [_check_form(*entry, faults, f"records.{number}.member.") for number, entry in enumerate(listed, 1)]
    faults.refuse(f"{len(listed)} entries came; expected 1 to {limits.PUT_RECORDS_MAX}, each of the right form.")
    checked = [_check_sense(*form) for form in forms]
    check_total(sum([one.size for one in checked]))
    return checked


def check_total(size: int) -> None:
    """
    Data and keys of one PutRecords.
    """
    if size > limits.PUT_RECORDS_MAX_BYTES:
        raise KinesisInvalidArgument(
            "Records size exceeds 10 MB limit",
            help=f"Data and partition keys have {size} bytes, at most {limits.PUT_RECORDS_MAX_BYTES}: make several calls.",
        )


def _listed(entries: Any) -> list[RecordEntry]:
    if isinstance(entries, str | bytes | RecordEntry):
        raise InvalidInput("entries is one value.", help="Give a list of RecordEntry(data, partition_key).")
    try:
        listed = list(entries)
    except TypeError as error:
        raise InvalidInput(
            f"entries={entries!r:.80} cannot be listed.", help="Give a list of RecordEntry(data, partition_key)."
        ) from error
    for index, entry in enumerate(listed):
        if not isinstance(entry, RecordEntry):
            raise InvalidInput(
                f"entries[{index}]={entry!r:.80} is no entry.", help="Give RecordEntry(data, partition_key)."
            )
    return listed


def _check_form(
    data: object, partition_key: object, explicit_hash_key: object, faults: Violations, prefix: str
) -> tuple[bytes, str, str | None]:
    if isinstance(data, bytearray | memoryview):
        data = bytes(cast("bytes", data))
    if not isinstance(data, bytes):
        advice = 'Give text.encode("utf-8").' if isinstance(data, str) else "Give bytes."
        raise InvalidInput(f"data is of type {type(data).__name__}.", help=advice)
    key = as_text(partition_key, "partition_key")
    if len(data) > limits.RECORD_DATA_MAX_BYTES:
        blob = f"java.nio.HeapByteBuffer[pos=0 lim={len(data)} cap={len(data)}]"
        faults.add(blob, f"{prefix}data", f"have length less than or equal to {limits.RECORD_DATA_MAX_BYTES}")
    faults.length(key, f"{prefix}partitionKey", 1, limits.PARTITION_KEY_MAX_CHARS)
    hash_key = None
    if explicit_hash_key is not None:
        hash_key = as_text(explicit_hash_key, "explicit_hash_key")
        if not _HASH_KEY.fullmatch(hash_key):
            faults.add(hash_key, f"{prefix}explicitHashKey", f"satisfy regular expression pattern: {_HASH_KEY_PATTERN}")
    return data, key, hash_key


def _check_sense(data: bytes, partition_key: str, explicit_hash_key: str | None) -> Checked:
    hash_key = None
    if explicit_hash_key is not None and (hash_key := int(explicit_hash_key)) > limits.HASH_KEY_MAX:
        raise KinesisInvalidArgument(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
            f"Specified value was {explicit_hash_key}",
            help=f"The highest hash key is {limits.HASH_KEY_MAX}.",
        )
    try:
        size = len(data) + len(partition_key.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"partition_key={partition_key!r:.80} has no UTF-8 form.", help="It holds half of a surrogate pair."
        ) from error
    if size > limits.RECORD_MAX_BYTES:
        raise KinesisInvalidArgument(
            f"Record size exceeds {limits.RECORD_MAX_BYTES // 1_024} KiB limit",
            help=f"Data and partition key have {size} bytes, at most {limits.RECORD_MAX_BYTES}.",
        )
    return Checked(data, partition_key, size, hash_key)


def check_ordering(given: object, now: int, place: Place) -> None:
    """
    SequenceNumberForOrdering: well-formed, and of no second that is still to come (KIN 4).
    """
    text = as_sequence_number(given, "sequence_number_for_ordering", "sequenceNumberForOrdering")
    decoded = decode(text)
    if decoded is None or decoded.written_s > now // SECOND_US:
        raise KinesisInvalidArgument(
            f"ExclusiveMinimumSequenceNumber {text} used in PutRecord on {place} is invalid.",
            help="It is no sequence number, or of a second that is still to come.",
        )


def sign(error: PostroomError, operation: str, stream: str) -> NoReturn:
    """
    Raises an error that says where it arose.
    """
    error.operation = error.operation or operation
    error.resource = error.resource or stream
    raise error


def as_sequence_number(given: object, name: str, path: str) -> str:
    """
    A sequence number, as far as its digits go.
    """
    text = as_text(given, name)
    if not is_well_formed(text):
        faults = Violations()
        faults.add(text, path, f"satisfy regular expression pattern: {SEQUENCE_PATTERN}")
        faults.refuse("A sequence number is a decimal number without leading zeros.")
    return text


def as_text(given: object, name: str) -> str:
    """
    Text, or InvalidInput.
    """
    if not isinstance(given, str):
        raise InvalidInput(f"{name} is of type {type(given).__name__}.", help="Give a str.")
    return given


def as_count(given: object, name: str) -> int:
    """
    An int, or InvalidInput.
    """
    if isinstance(given, bool) or not isinstance(given, int):
        raise InvalidInput(f"{name}={given!r:.80} is no number.", help="Give an int.")
    return given
