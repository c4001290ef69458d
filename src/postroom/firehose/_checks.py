"""
The arguments of a delivery stream, checked once, at the edge (DEL A1, A2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, cast

from postroom import limits
from postroom.clock import Duration, to_us
from postroom.errors import FirehoseInvalidArgument, InvalidInput, NotSupported

Compression: TypeAlias = Literal["UNCOMPRESSED", "GZIP"]
StartingPosition: TypeAlias = Literal["LATEST", "TRIM_HORIZON"]
Data: TypeAlias = "bytes | bytearray | memoryview"

EXTENSIONS: Final[dict[str, str]] = {"UNCOMPRESSED": "", "GZIP": ".gz"}
"""What a key ends in unless something else is given, by compression format (DEL A4)."""
_OTHER_FORMATS: Final = {"ZIP", "Snappy", "HADOOP_SNAPPY"}
_POSITIONS: Final = {"LATEST", "TRIM_HORIZON"}
_NAME: Final = re.compile(rf"[a-zA-Z0-9_.-]{{1,{limits.DELIVERY_STREAM_NAME_MAX_CHARS}}}")
_MIB: Final = 1_048_576
_ONE: Final[tuple[type, ...]] = (str, bytes, bytearray, memoryview)
"""What is one record where a list of them is wanted."""


def check_name(name: object) -> None:
    """
    Refuses what cannot be the name of a delivery stream (DEL A1).

    Raises:
        FirehoseInvalidArgument: It has other characters, too many or none.
        InvalidInput: It is no `str`.
    """
    if not isinstance(name, str):
        raise InvalidInput(
            "The name of a delivery stream must be a str.", help=f"got a value of type {type(name).__name__}"
        )
    if not _NAME.fullmatch(name):
        raise FirehoseInvalidArgument(
            "The name of a delivery stream is not acceptable.",
            help=f"name={name!r}: 1 to 64 letters, digits, hyphens, underscores or dots.",
        )


def size_of_buffer(buffering_size: object) -> int:
    """
    A buffering size in MiB as bytes.
    """
    if isinstance(buffering_size, bool) or not isinstance(buffering_size, int):
        raise InvalidInput(f"buffering_size={buffering_size!r} is no number of MiB.", help="Give an int, 1 to 128.")
    if not 1 <= buffering_size <= limits.BUFFERING_SIZE_MAX_MIB:
        raise FirehoseInvalidArgument(
            "BufferingHints.SizeInMBs is out of range.", help=f"buffering_size={buffering_size}: expected 1 to 128 MiB."
        )
    return buffering_size * _MIB


def interval_us(buffering_interval: Duration) -> int:
    """
    A buffering interval in microseconds.
    """
    span = to_us(buffering_interval, "buffering_interval")
    if not 0 <= span <= limits.BUFFERING_INTERVAL_MAX_US:
        raise FirehoseInvalidArgument(
            "BufferingHints.IntervalInSeconds is out of range.",
            help=f"buffering_interval={buffering_interval!r}: expected 0 to 900 seconds (15 minutes).",
        )
    return span


def check_format(compression_format: object, append_delimiter: object) -> None:
    """
    Refuses a compression format that is not there, and an `append_delimiter` that is no `bool`.
    """
    if compression_format in _OTHER_FORMATS:
        raise NotSupported(
            f"DeliveryStream(compression_format={compression_format!r}) is not there.",
            help='Give "UNCOMPRESSED" or "GZIP".',
            operation="DeliveryStream",
        )
    if compression_format not in EXTENSIONS:
        raise FirehoseInvalidArgument(
            "CompressionFormat is not acceptable.",
            help=f'compression_format={compression_format!r}: expected "UNCOMPRESSED" or "GZIP".',
        )
    if not isinstance(append_delimiter, bool):
        raise InvalidInput(f"append_delimiter={append_delimiter!r} is no bool.", help="Give True or False.")


def check_position(starting_position: object, *, has_source: bool) -> None:
    """
    Refuses a starting position that is none, or that nothing is read from.
    """
    if starting_position not in _POSITIONS:
        raise InvalidInput(
            f"starting_position={starting_position!r} is unknown.", help='Give "LATEST" or "TRIM_HORIZON".'
        )
    if starting_position != "LATEST" and not has_source:
        raise InvalidInput(f"starting_position={starting_position!r} without a source.", help="Give source=stream.")


def check_data(data: object) -> bytes:
    """
    The data of one record, copied unless they are `bytes`.

    Raises:
        FirehoseInvalidArgument: They are too large.
        InvalidInput: They are no bytes.
    """
    if isinstance(data, str):
        raise InvalidInput("The data of a record must be bytes.", help="got a str; give text.encode()")
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InvalidInput("The data of a record must be bytes.", help=f"got a value of type {type(data).__name__}")
    found = bytes(cast("bytes", data))
    if len(found) > limits.DELIVERY_RECORD_MAX_BYTES:
        raise FirehoseInvalidArgument(
            f"Record.Data must have at most {limits.DELIVERY_RECORD_MAX_BYTES} bytes.", help=f"It has {len(found):,}."
        )
    return found


def check_batch(records: object) -> list[bytes]:
    """
    The data of a batch, after the checks that refuse the whole call (DEL A1).

    Raises:
        FirehoseInvalidArgument: There are no records, too many, or too many bytes, or one record is too large.
        InvalidInput: They are no list, or the data of one are no bytes.
    """
    kind = type(records).__name__
    if not isinstance(records, Iterable) or isinstance(records, _ONE):
        raise InvalidInput(
            "The records of a batch must be a list.", help=f"got a value of type {kind}; put one into a list"
        )
    found = [check_data(data) for data in cast("Iterable[object]", records)]
    if not 1 <= len(found) <= limits.DELIVERY_BATCH_RECORDS_MAX:
        raise FirehoseInvalidArgument(
            f"A batch must have 1 to {limits.DELIVERY_BATCH_RECORDS_MAX} records.", help=f"It has {len(found):,}."
        )
    total = sum(map(len, found))
    if total > limits.DELIVERY_BATCH_MAX_BYTES:
        raise FirehoseInvalidArgument(
            "A batch must have at most 4 MiB of data.",
            help=f"It has {total:,} bytes, and {limits.DELIVERY_BATCH_MAX_BYTES:,} are allowed: split it.",
        )
    return found
