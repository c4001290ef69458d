"""
What a message is made of: body, attributes, digests, ids, and the parcel one resource hands to another.

Everything here is a value or a function of values. What is accepted follows SQS 6.1 to 6.3; topics have rules
of their own for the attributes they take, and hand on values made of the same classes.

>>> attributes = to_attributes({"colour": "green", "cups": 2})
>>> attributes["cups"]
AttributeValue(data_type='Number', value='2')
>>> select_attributes(attributes, ["col.*"])
{'colour': AttributeValue(data_type='String', value='green')}
"""

from __future__ import annotations

from postroom.message._attributes import (
    NO_ATTRIBUTES,
    AttributeInput,
    AttributeValue,
    FrozenAttributes,
    attributes_size,
    md5_of_attributes,
    select_attributes,
    to_attributes,
)
from postroom.message._body import body_size, check_body, md5_of_body
from postroom.message._parcel import Parcel, format_uuid

__all__ = [
    "NO_ATTRIBUTES",
    "AttributeInput",
    "AttributeValue",
    "FrozenAttributes",
    "Parcel",
    "attributes_size",
    "body_size",
    "check_body",
    "format_uuid",
    "md5_of_attributes",
    "md5_of_body",
    "select_attributes",
    "to_attributes",
]
