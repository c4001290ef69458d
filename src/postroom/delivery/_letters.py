r"""
Dead letters: what is told of a failure in their attributes, and how they get to their queue.

An error is anybody's: its text may be endless, hold characters that no message may have, or raise itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from postroom.errors import InvalidRequest, PostroomError
from postroom.limits import ERROR_MESSAGE_MAX_BYTES
from postroom.message import NO_ATTRIBUTES

if TYPE_CHECKING:
    from postroom.message import Parcel
    from postroom.observe import Destination

_UNFIT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def letter_text(text: str) -> str:
    r"""
    A text as an attribute of a dead letter may have it: at most 1,024 bytes, other characters escaped (SQS 6.2, DEL D).

    >>> letter_text("no tea\x00"), len(letter_text("no tea" * 1_000))
    ('no tea\\x00', 1024)
    """
    cut = text[:ERROR_MESSAGE_MAX_BYTES]
    if not cut.isprintable():
        cut = _UNFIT.sub(lambda found: found[0].encode("unicode_escape").decode(), cut)
    return cut.encode()[:ERROR_MESSAGE_MAX_BYTES].decode(errors="ignore")


def error_text(error: Exception) -> str:
    """
    What an error says, or how it looks, or its type. This runs its class's own code, which may be wrong.

    >>> error_text(KeyError()), error_text(ValueError("no tea"))
    ('KeyError()', 'no tea')
    """
    try:
        return str(error) or repr(error) or type(error).__name__
    except Exception:
        return type(error).__name__


def error_line(error: Exception) -> str:
    """
    An error on one line: what one of this package says, without its help; of any other, how it looks.

    >>> error_line(PostroomError("no tea", help="boil some")), error_line(ValueError("no tea"))
    ('no tea', "ValueError('no tea')")
    """
    try:
        says = str(error).splitlines() if isinstance(error, PostroomError) else []
        return (says[0] if says else repr(error)) or type(error).__name__
    except Exception:
        return type(error).__name__


def deliver_letter(queue: Destination, letter: Parcel) -> None:
    """
    Hands a dead letter over; without attributes to a queue that does not take it with them, being too large say.

    What failed is worth less than what failed to arrive.

    >>> from postroom import ManualClock, Queue
    >>> from postroom.message import Parcel, to_attributes
    >>> dead = Queue("dead", clock=ManualClock(), maximum_message_size=1_024)
    >>> deliver_letter(dead, Parcel("2 x tea", to_attributes({"ERROR_MESSAGE": "x" * 1_024})))
    >>> [message] = dead.receive_messages()
    >>> message.body, message.attributes
    ('2 x tea', {})

    Raises:
        PostroomError: It does not take it so either.
    """
    try:
        queue.deliver(letter)
    except InvalidRequest:
        if not letter.attributes:
            raise
        queue.deliver(letter._replace(attributes=NO_ATTRIBUTES))
