"""
Message attributes as a topic takes them: rules and texts of SNS, which are not those of SQS (SNS 2.4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from postroom.errors import InvalidInput, ParameterValueInvalid, TopicValidationError
from postroom.limits import PUBLISH_ATTRIBUTE_NAME_MAX_BYTES
from postroom.message import NO_ATTRIBUTES, AttributeValue, FrozenAttributes

if TYPE_CHECKING:
    from postroom.message import AttributeInput

_OUTSIDE: Final = re.compile(r"[^A-Za-z0-9_.\-]")
_DATA_TYPE: Final = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def to_topic_attributes(
    attributes: Mapping[str, AttributeInput] | None, position: int | None = None
) -> Mapping[str, AttributeValue]:
    """
    Checks what a publisher gave as message attributes, and freezes it.

    A `str` becomes a String, an `int`, `float` or `Decimal` a Number, and `bytes` a Binary; an `AttributeValue` says
    itself what it is. Their number is not limited here: a queue that gets them raw takes ten (SNS 8.3).

    >>> to_topic_attributes({"colour": "green", "cups": 2})["cups"]
    AttributeValue(data_type='Number', value='2')
    >>> to_topic_attributes({"a^b": "x"})
    Traceback (most recent call last):
    ...
    postroom.errors.ParameterValueInvalid: Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.
      the name was 'a^b'

    Args:
        attributes: By name: up to 256 of ``A-Z a-z 0-9 _ - .``, no dot first, last or after another.
        position: Of the entry in its batch, from 1; None: there is no batch.

    Raises:
        ParameterValueInvalid: A name, type or value is not acceptable.
        TopicValidationError: An `AttributeValue` has no data type.
        InvalidInput: A name or value is of a type that AWS's API has no place for.
    """
    if attributes is None:
        return NO_ATTRIBUTES
    if not isinstance(attributes, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInput(
            "Message attributes must be a mapping of names to values.",
            help=f"got a value of type {type(attributes).__name__}",
        )
    if not attributes:
        return NO_ATTRIBUTES
    return FrozenAttributes({name: _to_attribute(name, given, position) for name, given in attributes.items()})


def _to_attribute(name: str, given: object, position: int | None) -> AttributeValue:
    _check_name(name)
    if isinstance(given, AttributeValue):
        attribute = given
    elif isinstance(given, str):
        attribute = AttributeValue("String", given)
    elif isinstance(given, bytes):
        attribute = AttributeValue("Binary", given)
    elif isinstance(given, float):
        attribute = AttributeValue("Number", float.__repr__(given))  # numpy's floats print as something else
    elif isinstance(given, int | Decimal) and not isinstance(given, bool):
        attribute = AttributeValue("Number", str(Decimal(given)))  # `str` refuses an int of more than 4,300 digits
    else:
        raise InvalidInput(
            f"The value of message attribute '{name}' must be a str, an int, a float, a Decimal, bytes or an AttributeValue.",
            help=f"got a value of type {type(given).__name__}; send a truth value as text or as 1 and 0",
        )
    _check_value(name, attribute, position)
    return attribute


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise InvalidInput(
            "The name of a message attribute must be a str.", help=f"got a value of type {type(name).__name__}"
        )
    help_ = f"the name was {name[:60]!r}"
    if len(name.encode("utf-8", "surrogatepass")) > PUBLISH_ATTRIBUTE_NAME_MAX_BYTES:
        raise ParameterValueInvalid("Length of message attribute name must be less than 256 bytes.", help=help_)
    if not name:
        raise ParameterValueInvalid("The message attribute name must not be empty.", help="This text is ours.")
    for place, at_end in (("starting", name[0] == "."), ("ending", name[-1] == ".")):
        if at_end:
            raise ParameterValueInvalid(
                f"Invalid message attribute name {place} with character '.' was found.", help=help_
            )
    outside = _OUTSIDE.search(name)
    if outside is not None:
        raise ParameterValueInvalid(
            f"Invalid non-alphanumeric character '#x{ord(outside[0]):X}' was found in the message attribute name. "
            "Can only include alphanumeric characters, hyphens, underscores, or dots.",
            help=help_,
        )
    if ".." in name:
        raise ParameterValueInvalid("Message attribute name can not have successive '.' character.", help=help_)


def _check_value(name: str, attribute: AttributeValue, position: int | None) -> None:
    data_type: object = attribute.data_type
    value: object = attribute.value
    if data_type is None:
        entry = "" if position is None else f"publishBatchRequestEntries.{position}.member."
        raise TopicValidationError(
            f"1 validation error detected: Value null at '{entry}messageAttributes.{name}.member.dataType' "
            "failed to satisfy constraint: Member must not be null",
            help="Give String, Number or Binary.",
        )
    if not isinstance(data_type, str) or not isinstance(value, str | bytes | None):
        raise InvalidInput(
            f"The message attribute '{name}' has a type and a value that AWS's API has no place for.",
            help=f"The type is of type {type(data_type).__name__}, the value of type {type(value).__name__}.",
        )
    match = _DATA_TYPE.fullmatch(data_type)
    if match is None or len(data_type.encode("utf-8", "surrogatepass")) > PUBLISH_ATTRIBUTE_NAME_MAX_BYTES:
        raise ParameterValueInvalid(
            f"The message attribute '{name}' has an invalid message attribute type, "
            "the set of supported type prefixes is Binary, Number, and String.",
            help=f"the type was {data_type[:60]!r}; a label follows the prefix after a dot, as in Number.currency",
        )
    if value is not None and isinstance(value, bytes) != (match[1] == "Binary"):
        field = "Binary" if match[1] == "Binary" else "String"
        raise ParameterValueInvalid(
            f"The message attribute '{name}' with type '{data_type}' must use field '{field}'.",
            help=f"Give {'bytes' if field == 'Binary' else 'a str'}.",
        )
    if not value:
        raise ParameterValueInvalid(
            f"The message attribute '{name}' must contain non-empty message attribute value "
            f"for message attribute type '{data_type}'.",
            help=f"the value was {value!r}",
        )
    if isinstance(value, str):
        _check_text(name, data_type, value)
        if match[1] == "Number" and not _NUMBER.fullmatch(value):
            raise ParameterValueInvalid(
                f"Could not cast message attribute '{name}' value to number.", help=f"the value was {value[:60]!r}"
            )


def _check_text(name: str, data_type: str, value: str) -> None:
    try:
        value.encode()
        data_type.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"The message attribute '{name}' cannot be written as UTF-8.", help="It holds half a character."
        ) from None
