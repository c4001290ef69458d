"""
Receipt handles: strings that name one receive of one message of one queue.

A handle is 44 characters of base64: a mark, the queue's own random number, the message's number, which of its receives
it was, and when. So a queue can tell a handle of its own from one of another queue and from any other string, and how
old it is (SQS 2.2), without keeping a table of them.
"""

from __future__ import annotations

import struct
from binascii import a2b_base64, b2a_base64
from typing import Final

from postroom.errors import InvalidInput, InvalidParameterValue, InvalidRequest, ReceiptHandleIsInvalid

_MARK: Final = "AQEB"
_TOKEN_BYTES: Final = 9
_PREFIX_CHARS: Final = len(_MARK) + _TOKEN_BYTES * 4 // 3
_BODY: Final = struct.Struct(">QIqx")  # 21 bytes, a multiple of three: no padding
_pack, _unpack = _BODY.pack, _BODY.unpack
_HANDLE_CHARS: Final = _PREFIX_CHARS + _BODY.size * 4 // 3


class Handles:
    """
    Writes and reads the receipt handles of one queue.

    >>> handles = Handles(token=5)
    >>> handle = handles.write(1, 1, 1_704_067_200_000_000)
    >>> len(handle), handle[:4]
    (44, 'AQEB')
    >>> handles.read(handle, newest=1)
    (1, 1, 1704067200000000)

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
        return self._prefix + b2a_base64(_pack(number, receive, received_at), newline=False).decode("ascii")

    def read(self, handle: object, newest: int) -> tuple[int, int, int]:
        """
        What a handle says: the message's number, which receive of it here, and when, in microseconds since the epoch.

        Args:
            handle: As `write` returned it.
            newest: The largest number a message of this queue has.

        Raises:
            ReceiptHandleIsInvalid: It is no handle, or one of another queue.
            InvalidInput: It is no `str`.
        """
        # On the path of each deletion: what is no handle at all fails somewhere here, and is told apart afterwards.
        try:
            if handle.startswith(self._prefix):  # type: ignore[attr-defined]
                parts = _unpack(a2b_base64(handle[_PREFIX_CHARS:], strict_mode=True))  # type: ignore[index]
                if 0 < parts[0] <= newest and parts[1]:
                    return parts
        except (AttributeError, TypeError, ValueError, struct.error):
            pass
        raise self._refusal(handle)

    def _refusal(self, handle: object) -> InvalidRequest:
        if not isinstance(handle, str):
            return InvalidInput(
                f"receipt_handle is of type {type(handle).__name__}.",
                help="Give the str in message.receipt_handle, not the message or its id.",
            )
        if self._is_handle(handle) and not handle.startswith(self._prefix):
            return ReceiptHandleIsInvalid(
                f'The receipt handle "{handle}" is not valid for this queue.',
                help="It comes from another queue: delete a message where it was received.",
            )
        return ReceiptHandleIsInvalid(
            f'The input receipt handle "{handle}" is not a valid receipt handle.',
            help="Use message.receipt_handle of a received message as it is; a message id is no receipt handle.",
        )

    @staticmethod
    def _is_handle(handle: str) -> bool:
        if len(handle) != _HANDLE_CHARS or not handle.startswith(_MARK):
            return False
        try:
            parts = _unpack(a2b_base64(handle[_PREFIX_CHARS:], strict_mode=True))
        except (ValueError, struct.error):
            return False
        return bool(parts[0] and parts[1])


def refuse_expired(handle: str, *, is_fifo: bool = False) -> InvalidParameterValue:
    """
    The error for a handle 12 hours after its receive, and in a FIFO queue for one that no longer hides its message (SQS 2.2).
    """
    return InvalidParameterValue(
        f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
        help="In a FIFO queue a handle is good while it hides the message: receive it again, with a longer visibility timeout."
        if is_fifo
        else "A receipt handle is good for 12 hours; receive the message again.",
    )
