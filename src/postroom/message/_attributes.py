"""
Message attributes: what is accepted as one, and how many of them are sized, digested and selected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import md5
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeAlias

from postroom.errors import InvalidInput, InvalidParameterValue
from postroom.limits import (
    ATTRIBUTE_NAME_MAX_CHARS,
    MESSAGE_ATTRIBUTES_MAX,
    NUMBER_DIGITS_MAX,
    NUMBER_EXPONENT_MAX,
    NUMBER_EXPONENT_MIN,
)
from postroom.message._body import ALLOWED, INVALID_CHARACTERS, body_size, first_outside, kind, shown

# Letters are A to Z and the accented ones of Latin-1 and Latin Extended-A (without the signs for times and divided by).
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u017F]*")
_RESERVED: Final = ("aws.", "amazon.")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NUMBER_MIN: Final = Decimal((0, (1,), NUMBER_EXPONENT_MIN))
_NUMBER_MAX: Final = Decimal((0, (1,), NUMBER_EXPONENT_MAX))
_FAMILIES: Final = ("Binary", "Number", "String")


class AttributeValue(NamedTuple):
    """
    One message attribute: its data type, and its value as text or bytes.

    A number is text too, exactly as it was sent: trimming ``007`` would change the digest.

    >>> AttributeValue("Number.currency", "9.50")
    AttributeValue(data_type='Number.currency', value='9.50')
    """

    data_type: str
    """``String``, ``Number`` or ``Binary``, with or without a label of one's own: ``Number.currency``."""
    value: str | bytes
    """Bytes if the type is of the Binary family, and text otherwise."""

    def to_dict(self) -> dict[str, str | bytes]:
        """
        Return the two fields as a plain dict.

        >>> AttributeValue("String", "tea").to_dict()
        {'data_type': 'String', 'value': 'tea'}
        """
        return {"data_type": self.data_type, "value": self.value}


AttributeInput: TypeAlias = AttributeValue | str | int | float | Decimal | bytes
"""What a caller may give as an attribute; `to_attributes` says what each becomes."""


class FrozenAttributes(dict[str, AttributeValue]):
    """
    Message attributes by name: a dict that refuses to change, so that one can be shared by many messages.

    Of a dict it keeps the speed, the look and the equality; it can be hashed and pickled. Its values are taken as
    they are: `to_attributes` makes one of what a caller gave.

    >>> attributes = to_attributes({"colour": "green"})
    >>> attributes == {"colour": AttributeValue("String", "green")}
    True
    >>> attributes["colour"] = "red"
    Traceback (most recent call last):
    ...
    TypeError: message attributes cannot be changed; make a dict of them: dict(attributes)
    """

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("message attributes cannot be changed; make a dict of them: dict(attributes)")

    if not TYPE_CHECKING:  # a type checker sees the `Mapping` that is handed out, and refuses earlier
        __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

        def __hash__(self) -> int:
            return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        # A dict is unpickled item by item, which this class refuses.
        return FrozenAttributes, (dict(self),)


NO_ATTRIBUTES: Final[Mapping[str, AttributeValue]] = FrozenAttributes()
"""What a message without attributes has: the same object for all of them."""


def to_attributes(attributes: Mapping[str, AttributeInput] | None) -> Mapping[str, AttributeValue]:
    """
    Check what a caller gave as message attributes, and freeze it.

    A `str` becomes a String, an `int`, `float` or `Decimal` a Number, and `bytes` a Binary; an `AttributeValue` says
    itself what it is. What came out of here before is returned as it is, in no time.

    >>> to_attributes({"colour": "green", "price": AttributeValue("Number.currency", "9.50"), "photo": b"..."})["price"]
    AttributeValue(data_type='Number.currency', value='9.50')
    >>> to_attributes({"colour": ""})
    Traceback (most recent call last):
    ...
    postroom.errors.InvalidParameterValue: Message (user) attribute 'colour' must contain a non-empty value of type 'String'.
      the value was ''
    >>> to_attributes(None)
    {}

    Args:
        attributes: At most 10. Names are 1 to 256 letters (accented Latin ones too), digits, underscores, hyphens and
            dots; no dot first, last or after another; not starting with ``AWS.`` or ``Amazon.`` in any case. Data types
            have at most 256 characters. A value is not empty. Text has the characters a body may have; a Number has at
            most 38 digits, not counting zeros in front and behind, and is 0 or of a magnitude from 1e-128 to 1e126.
            Sizes are left to the queue.

    Raises:
        InvalidParameterValue: An attribute breaks one of these rules (SQS 6.1 to 6.3). Where AWS's wording is not
            known, the text is one that was reported, or ours: names and data types that are too long, names of other
            characters or with misplaced dots, Numbers that are none, values of the wrong kind.
        InvalidInput: A name or value is of a type AWS's API has no place for, such as `bool` and None.
    """
    if attributes is None:
        return NO_ATTRIBUTES
    if type(attributes) is FrozenAttributes and len(attributes) <= MESSAGE_ATTRIBUTES_MAX:
        return attributes  # topics allow more attributes, and hand out the same class
    if not isinstance(attributes, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInput("Message attributes must be a mapping of names to values.", help=kind(attributes))
    if len(attributes) > MESSAGE_ATTRIBUTES_MAX:
        raise InvalidParameterValue(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{MESSAGE_ATTRIBUTES_MAX}].",
            help="put what belongs together into one attribute, or into the body",
        )
    if not attributes:
        return NO_ATTRIBUTES
    return FrozenAttributes({name: _to_attribute(name, given) for name, given in attributes.items()})


def _to_attribute(name: str, given: object) -> AttributeValue:
    """
    Check the name and the value of one attribute; return the value with its type.
    """
    _check_name(name)
    if isinstance(given, AttributeValue):
        attribute = given
    elif isinstance(given, str):
        attribute = AttributeValue("String", given)
    elif isinstance(given, bytes):
        attribute = AttributeValue("Binary", given)
    elif isinstance(given, float):
        # A subclass of float may print as something else: numpy's does.
        attribute = AttributeValue("Number", float.__repr__(given))
    elif isinstance(given, int | Decimal) and not isinstance(given, bool):
        # By way of Decimal, because `str` refuses an int of more than 4,300 digits with an error of its own.
        attribute = AttributeValue("Number", str(Decimal(given)))
    else:
        raise InvalidInput(
            f"The value of message attribute '{name}' must be a str, an int, a float, a Decimal, bytes or an AttributeValue.",
            help=f"{kind(given)}; send a truth value as text or as 1 and 0",
        )
    _check_value(name, attribute.value, _family(name, attribute.data_type))
    return attribute


def _check_name(name: object) -> None:
    """
    Refuse an attribute's name that SQS would refuse (SQS 6.2).
    """
    if not isinstance(name, str):
        raise InvalidInput("The name of a message attribute must be a str.", help=kind(name))
    if not name:
        raise InvalidParameterValue(
            "The request must contain non-empty message (user) attribute names.",
            help=f"One name is ''; give 1 to {ATTRIBUTE_NAME_MAX_CHARS} characters.",
        )
    if len(name) > ATTRIBUTE_NAME_MAX_CHARS:
        raise InvalidParameterValue(
            f"Message (user) attribute name must be shorter than {ATTRIBUTE_NAME_MAX_CHARS} bytes.",
            help=f"{shown(name)} has {len(name)} characters, and exactly {ATTRIBUTE_NAME_MAX_CHARS} are still allowed",
        )
    if not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            "Message (user) attribute names can only include letters, digits, underscores, hyphens and periods.",
            help=f"{shown(name)} has {first_outside(_NAME, name)}",
        )
    if name.lower().startswith(_RESERVED):
        raise InvalidParameterValue(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'."
            " These strings are reserved for internal use.",
            help=f"{shown(name)} does, and case does not count",
        )
    if name[0] == "." or name[-1] == "." or ".." in name:
        raise InvalidParameterValue(
            "Message (user) attribute names can't start or end with a period or have two in a row.",
            help=f"{shown(name)} does",
        )


def _family(name: str, data_type: object) -> str:
    """
    Return what stands before the label of a data type, once both were found good (SQS 6.2).
    """
    if not isinstance(data_type, str):
        raise InvalidInput(f"The data type of message attribute '{name}' must be a str.", help=kind(data_type))
    if data_type in _FAMILIES:
        return data_type
    family, _, label = data_type.partition(".")
    if family not in _FAMILIES or not label or not ALLOWED.fullmatch(label):
        raise InvalidParameterValue(
            f"The type of message (user) attribute '{name}' is invalid."
            " You must use only the following supported type prefixes: Binary, Number, String.",
            help=f"the type was {shown(data_type)}; a label follows the prefix after a dot, as in Number.currency",
        )
    if len(data_type) > ATTRIBUTE_NAME_MAX_CHARS:
        raise InvalidParameterValue(
            f"Message (user) attribute type must be shorter than {ATTRIBUTE_NAME_MAX_CHARS} bytes.",
            help=f"{shown(data_type)} has {len(data_type)} characters,"
            f" and exactly {ATTRIBUTE_NAME_MAX_CHARS} are still allowed",
        )
    return family


def _check_value(name: str, value: object, family: str) -> None:
    """
    Refuse an attribute's value that does not go with its type (SQS 6.1, 6.3).
    """
    if not isinstance(value, str | bytes):
        raise InvalidInput(
            f"The value of message attribute '{name}' must be a str or bytes.",
            help=kind(value),
        )
    if not value or isinstance(value, bytes) != (family == "Binary"):
        raise InvalidParameterValue(
            f"Message (user) attribute '{name}' must contain a non-empty value of type '{family}'.",
            help=f"the value was {shown(value)}",
        )
    if isinstance(value, bytes):
        return
    if family == "Number":
        _check_number(name, value)
    elif not value.isprintable() and not ALLOWED.fullmatch(value):
        raise InvalidParameterValue(
            INVALID_CHARACTERS, help=f"message attribute '{name}' has {first_outside(ALLOWED, value)}"
        )


def _check_number(name: str, text: str) -> None:
    """
    Refuse a Number that is none, is too precise, or is too large or too small (SQS 6.1).
    """
    fault = ""
    if not _NUMBER.fullmatch(text):
        fault = "a number is written in digits, with a sign, a dot and an exponent if need be: -12.5e3"
    else:
        digits = text.lower().partition("e")[0].lstrip("+-").replace(".", "").strip("0")
        if len(digits) > NUMBER_DIGITS_MAX:
            fault = (
                f"it has {len(digits)} digits, not counting zeros around them; at most {NUMBER_DIGITS_MAX} are allowed"
            )
        elif digits and not _within_magnitude(text):
            fault = f"its magnitude must be from 1e{NUMBER_EXPONENT_MIN} to 1e{NUMBER_EXPONENT_MAX}"
    if fault:
        raise InvalidParameterValue(
            f"Can't cast the value of message (user) attribute '{name}' to a number.",
            help=f"the value was {shown(text)}: {fault}",
        )


def _within_magnitude(text: str) -> bool:
    try:
        return _NUMBER_MIN <= abs(Decimal(text)) <= _NUMBER_MAX
    except ArithmeticError:  # an exponent beyond what even Decimal takes
        return False


def attributes_size(attributes: Mapping[str, AttributeValue]) -> int:
    """
    Return the bytes of attributes as they count towards a message's size: names, types and values (SQS 6.1).

    >>> attributes_size(to_attributes({"colour": "green"})) == len("colour" + "String" + "green")
    True
    """
    size = 0
    for name, (data_type, value) in attributes.items():
        size += body_size(name) + body_size(data_type)
        size += len(value) if isinstance(value, bytes) else body_size(value)
    return size


def md5_of_attributes(attributes: Mapping[str, AttributeValue]) -> str | None:
    """
    Return the digest of attributes, or None if there are none (SQS 5.3).

    The digest is that of what is handed over: a receiver who asks for some attributes gets the digest of those.

    >>> md5_of_attributes(to_attributes({"MyAttribute": "foobar"}))
    'adb59cd4678ea5a855436b949cd07ab6'
    >>> md5_of_attributes(to_attributes(None)) is None
    True
    """
    if not attributes:
        return None
    parts: list[bytes] = []
    for name in sorted(attributes):  # the order of code points is the order of UTF-8 bytes
        data_type, value = attributes[name]
        binary = isinstance(value, bytes)
        for part in (name.encode(), data_type.encode()):
            parts += (len(part).to_bytes(4, "big"), part)
        raw = value if isinstance(value, bytes) else value.encode()
        parts += (b"\x02" if binary else b"\x01", len(raw).to_bytes(4, "big"), raw)
    return md5(b"".join(parts), usedforsecurity=False).hexdigest()


def select_attributes(attributes: Mapping[str, AttributeValue], names: Iterable[str]) -> Mapping[str, AttributeValue]:
    """
    Return the attributes that a receiver asked for, in the order of the message.

    >>> attributes = to_attributes({"Hello": "There", "Help.Me": "Me", "General": "Kenobi"})
    >>> list(select_attributes(attributes, ["Hel.*"]))
    ['Hello', 'Help.Me']
    >>> select_attributes(attributes, ["All"]) is attributes
    True

    Args:
        attributes: Those of the message.
        names: Exact names, which count case; ``Hel.*`` for every name that starts with ``Hel``; ``All``, ``.*`` or
            ``*`` for everything. A name the message lacks, or no attribute could have, matches nothing (SQS 5.2).

    Raises:
        InvalidInput: `names` is one `str`, which would be read as a list of its letters.
    """
    if isinstance(names, str):
        raise InvalidInput(
            "The names of wanted message attributes must be a list.",
            help=f"got {shown(names)}; write [{shown(names)}]",
        )
    if not attributes:
        return NO_ATTRIBUTES
    wanted = set(names)
    if not wanted.isdisjoint(("All", ".*", "*")):
        return attributes
    prefixes = tuple(name[:-2] for name in wanted if name.endswith(".*"))
    chosen = {name: attribute for name, attribute in attributes.items() if name in wanted or name.startswith(prefixes)}
    return FrozenAttributes(chosen) if chosen else NO_ATTRIBUTES
