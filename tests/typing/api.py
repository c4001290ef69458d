"""
A line for every way of calling the API. mypy and pyright check it; nothing here is ever run.

A line that must be refused ends with `# type: ignore[code]`: it is an error when the checker accepts it after all.
"""

from __future__ import annotations

from typing import Any, assert_type

import postroom
from postroom import PostroomError
from postroom.errors import InvalidParameterValue, InvalidRequest, NotFound, QueueDoesNotExist


def errors() -> None:
    """
    `postroom.errors`.
    """
    error = InvalidParameterValue("text", help="help", operation="send_message", resource="orders")
    PostroomError()
    PostroomError("text")
    PostroomError("text", "help")  # type: ignore[call-arg]
    assert_type(InvalidParameterValue.code, str)
    assert_type(error.aws_message, str)
    assert_type(error.help, str)
    assert_type(error.operation, str | None)
    assert_type(error.resource, str | None)
    a_value_error: ValueError = error
    a_lookup_error: LookupError = QueueDoesNotExist("text")
    branches: list[type[PostroomError]] = [InvalidRequest, NotFound]
    assert_type(postroom.__version__, str)
    everything: tuple[Any, ...] = (a_value_error, a_lookup_error, branches)
    del everything
