"""
Receipt handles: strings that name one receive of one message of one queue.

A handle is 44 characters of base64: a mark, the queue's own random number, the message's number, which of its receives
it was, and when. So a queue can tell a handle of its own from one of another queue and from any other string, and how
old it is (SQS 2.2), without keeping a table of them.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from struct import Struct
from typing import Final, NamedTuple

from postroom.errors import InvalidInput, InvalidParameterValue, ReceiptHandleIsInvalid
from postroom.limits import VISIBILITY_TIMEOUT_MAX_US

_MARK: Final = "AQEB"
_TOKEN_BYTES: Final = 9
_PREFIX_CHARS: Final = len(_MARK) + _TOKEN_BYTES * 4 // 3
_BODY: Final = Struct(">QIqx")  # 21 bytes, a multiple of three: no padding
_HANDLE_CHARS: Final = _PREFIX_CHARS + _BODY.size * 4 // 3


class Receipt(NamedTuple):
    """
    What a handle says.
    """

    number: int
    """The message's number in the queue."""
    receive: int
    """Which receive of this message in this queue, from 1."""
    received_at: int
    """When, in microseconds since the epoch."""


class Handles:
    """
    Writes and reads the receipt handles of one queue.

    >>> handles = Handles(token=5)
    >>> handle = handles.write(1, 1, 1_704_067_200_000_000)
    >>> len(handle), handle[:4]
    (44, 'AQEB')
    >>> handles.read(handle, newest=1)
    Receipt(number=1, receive=1, received_at=1704067200000000)

    Args:
        token: 72 bits that no other queue has.
    """

    __slots__ = ("_prefix",)

    def __init__(self, token: int) -> None:
        self._prefix = _MARK + b2a_base64(token.to_bytes(_TOKEN_BYTES, "big"), newline=False).decode("ascii")

    def write(self, number: int, receive: int, received_at: int) -> str:
        """
        The handle of one receive.
        """
        return self._prefix + b2a_base64(_BODY.pack(number, receive, received_at), newline=False).decode("ascii")

    def read(self, handle: object, newest: int) -> Receipt:
        """
        What a handle says.

        Args:
            handle: As `write` returned it.
            newest: The largest number a message of this queue has.

        Raises:
            ReceiptHandleIsInvalid: It is no handle, or one of another queue.
            InvalidInput: It is no `str`.
        """
        if not isinstance(handle, str):
            raise InvalidInput(
                f"receipt_handle is of type {type(handle).__name__}.",
                help="Give the str in message.receipt_handle, not the message or its id.",
            )
        receipt = self._decode(handle)
        if receipt is None or (handle.startswith(self._prefix) and receipt.number > newest):
            raise ReceiptHandleIsInvalid(
                f'The input receipt handle "{handle}" is not a valid receipt handle.',
                help="Use message.receipt_handle of a received message as it is; a message id is no receipt handle.",
            )
        if not handle.startswith(self._prefix):
            raise ReceiptHandleIsInvalid(
                f'The receipt handle "{handle}" is not valid for this queue.',
                help="It comes from another queue: delete a message where it was received.",
            )
        return receipt

    @staticmethod
    def _decode(handle: str) -> Receipt | None:
        if len(handle) != _HANDLE_CHARS or not handle.startswith(_MARK):
            return None
        try:
            receipt = Receipt._make(_BODY.unpack(a2b_base64(handle[_PREFIX_CHARS:], strict_mode=True)))
        except (Error, ValueError):
            return None
        return receipt if receipt.number and receipt.receive else None


def refuse_expired(handle: str, receipt: Receipt, now: int) -> None:
    """
    Refuses a handle 12 hours after its receive (SQS 2.2).
    """
    if now - receipt.received_at >= VISIBILITY_TIMEOUT_MAX_US:
        raise InvalidParameterValue(
            f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
            help="A receipt handle is good for 12 hours; receive the message again.",
        )
