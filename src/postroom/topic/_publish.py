"""
Publishing: what goes in, what comes out, and the checks in between (SNS 2, 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, Never, Self, cast

from postroom import limits
from postroom.delivery import refuse_unknown
from postroom.errors import (
    InvalidInput,
    InvalidParameter,
    TopicBatchEntryIdsNotDistinct,
    TopicBatchRequestTooLong,
    TopicEmptyBatchRequest,
    TopicInvalidBatchEntryId,
    TopicTooManyEntriesInBatchRequest,
)
from postroom.message import attributes_size, body_size
from postroom.topic._attributes import to_topic_attributes
from postroom.topic._refusals import PUBLISH_NOT_THERE

if TYPE_CHECKING:
    from postroom.message import AttributeInput, AttributeValue

_ID_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_LINE_ENDS: Final = frozenset("\u2028\u2029")


class Published(NamedTuple):
    """
    What `Topic.publish` returns.

    >>> from postroom import ManualClock, Topic
    >>> Topic("orders", clock=ManualClock(), seed=1).publish("2 x tea")
    Published(message_id='9eea1204-e052-49e9-89a3-1374c7a25f48')
    """

    message_id: str
    """A UUID, which envelopes carry; the message in a subscribed queue has another one (SNS 8.1)."""

    def to_dict(self) -> dict[str, str]:
        """
        As a plain dict.

        >>> Published("22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324").to_dict()
        {'message_id': '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324'}
        """
        return self._asdict()


class _EntryFields(NamedTuple):
    message: str
    subject: str | None
    attributes: Mapping[str, AttributeInput] | None
    id: str | None


class PublishEntry(_EntryFields):
    """
    One message of `Topic.publish_batch`; a named tuple.

    >>> PublishEntry("2 x tea", subject="An order").subject
    'An order'

    Args:
        message: 1 character or more.
        subject: 1 to 100 characters on one line; None: none.
        attributes: Message attributes, as many as fit.
        id: Names the entry in the outcome; None: its index.

    Raises:
        NotSupported: AWS has such a member, and postroom has not.
    """

    __slots__ = ()

    def __new__(
        cls,
        message: str,
        subject: str | None = None,
        attributes: Mapping[str, AttributeInput] | None = None,
        id: str | None = None,
        **_not_there: Never,
    ) -> Self:
        if _not_there:
            refuse_unknown("PublishEntry", _not_there, PUBLISH_NOT_THERE, cls._fields)
        return super().__new__(cls, message, subject, attributes, id)


def check_subject(subject: object) -> None:
    """
    Refuses what cannot be a subject (SNS 2.2): in the order of SNS 2.5, this comes first.
    """
    if subject is None:
        return
    if not isinstance(subject, str):
        raise InvalidInput("The subject must be a str.", help=f"got a value of type {type(subject).__name__}")
    fault = ""
    if not 1 <= len(subject) <= limits.SUBJECT_MAX_CHARS:
        fault = f"has {len(subject)} characters"
    elif not subject.isprintable() and any(_is_control(character) for character in subject):
        fault = "has a line break or a control character"
    if fault:
        raise InvalidParameter(
            "Invalid parameter: Subject",
            help=f"It {fault}: give 1 to {limits.SUBJECT_MAX_CHARS} characters on one line, or None.",
        )
    _check_text("subject", subject)


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f" or character in _LINE_ENDS


def check_message(message: object) -> None:
    """
    Refuses what cannot be a message (SNS 2.2).
    """
    if not isinstance(message, str):
        raise InvalidInput(
            "The message must be a str.",
            help=f"got a value of type {type(message).__name__}; json.dumps makes text of data, base64 of bytes",
        )
    if not message:
        raise InvalidParameter("Invalid parameter: Empty message", help="the message was ''")
    _check_text("message", message)


def _check_text(what: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"The {what} cannot be written as UTF-8.",
            help=f"{text[error.start]!r} at index {error.start} is half a character",
        ) from None


def check_publish(
    message: str, subject: str | None, attributes: Mapping[str, AttributeInput] | None
) -> Mapping[str, AttributeValue]:
    """
    One message to be published: its attributes, as they are handed on. Checks come in the order of SNS 2.5.
    """
    check_subject(subject)
    check_message(message)
    checked = to_topic_attributes(attributes)
    size = body_size(message) + attributes_size(checked)
    if size > limits.PUBLISH_SIZE_MAX_BYTES:
        raise InvalidParameter(
            "Invalid parameter: Message too long",
            help=f"Message and attributes have {size} bytes; exactly {limits.PUBLISH_SIZE_MAX_BYTES} would pass. "
            "Put large data elsewhere and publish where it is.",
        )
    return checked


class Checked(NamedTuple):
    """
    One entry of a batch, found good.
    """

    message: str
    subject: str | None
    attributes: Mapping[str, AttributeValue]


def check_batch(entries: Iterable[PublishEntry | str]) -> tuple[list[str], list[Checked | InvalidParameter]]:
    """
    The entries of a batch with their ids, each found good or with the error it fails with alone.

    In the order of SNS 3: number, distinct ids, form of ids, attributes of each, total size. What is wrong with attributes
    or ids refuses the whole call; an entry without a message, or with a bad subject, fails alone.
    """
    listed = _listed(entries)
    ids = [str(index) if entry.id is None else entry.id for index, entry in enumerate(listed)]
    _check_ids(ids)
    attributes = [to_topic_attributes(entry.attributes, position) for position, entry in enumerate(listed, 1)]
    checked = [_check_entry(entry, own) for entry, own in zip(listed, attributes, strict=True)]
    total = sum(body_size(entry.message) + attributes_size(own) for entry, own in zip(listed, attributes, strict=True))
    if total > limits.PUBLISH_SIZE_MAX_BYTES:
        raise TopicBatchRequestTooLong(
            "The length of all the messages put together is more than the limit.",
            help=f"They have {total} bytes; exactly {limits.PUBLISH_SIZE_MAX_BYTES} would pass. Split them into several calls.",
        )
    return ids, checked


def _check_entry(entry: PublishEntry, attributes: Mapping[str, AttributeValue]) -> Checked | InvalidParameter:
    try:
        check_subject(entry.subject)
        check_message(entry.message)
    except InvalidParameter as error:
        return error
    return Checked(entry.message, entry.subject, attributes)


def _listed(entries: object) -> list[PublishEntry]:
    if isinstance(entries, str | bytes) or not isinstance(entries, Iterable):
        raise InvalidInput(
            "The entries of a batch call must be a list.",
            help=f"got a value of type {type(entries).__name__}; put one entry into a list",
        )
    found: list[PublishEntry] = []
    for entry in cast("Iterable[object]", entries):
        one = PublishEntry(entry) if isinstance(entry, str) else entry
        if not isinstance(one, PublishEntry):
            raise InvalidInput(f"{one!r} is no entry of this batch call.", help="Give PublishEntry(…) objects, or str.")
        found.append(one)
    if not found:
        raise TopicEmptyBatchRequest(
            "The batch request doesn't contain any entries.", help=f"Give 1 to {limits.PUBLISH_ENTRIES_MAX} entries."
        )
    if len(found) > limits.PUBLISH_ENTRIES_MAX:
        raise TopicTooManyEntriesInBatchRequest(
            "The batch request contains more entries than permissible.",
            help=f"There are {len(found)}: split them into calls of up to {limits.PUBLISH_ENTRIES_MAX}.",
        )
    return found


def _check_ids(ids: list[str]) -> None:
    for id_ in ids:
        if not isinstance(id_, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInput(
                "The id of a batch entry must be a str.", help=f"got a value of type {type(id_).__name__}"
            )
    if len(set(ids)) < len(ids):
        raise TopicBatchEntryIdsNotDistinct(
            "Two or more batch entries in the request have the same Id.",
            help="Give each entry an id of its own, or none: then its index is its id.",
        )
    for id_ in ids:
        fault = ""
        if len(id_) > limits.BATCH_ENTRY_ID_MAX_CHARS:
            fault = "is too long"
        elif not id_ or not _ID_ALPHABET.issuperset(id_):
            fault = "contains an impermissible character"
        if fault:
            raise TopicInvalidBatchEntryId(
                f"The Id of a batch entry in the batch request {fault}: {id_}",
                help=f"Give 1 to {limits.BATCH_ENTRY_ID_MAX_CHARS} letters, digits, hyphens or underscores.",
            )
