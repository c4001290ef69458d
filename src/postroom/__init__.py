"""
Message queues, topics, event buses and streams inside one Python process, with the semantics of AWS.

A tour, from the ground up:

- **Time** is an argument. `ManualClock` stands still until it is told to move, so a test of a twelve-hour
  timeout takes no time; `SystemClock` is real time, or a multiple of it. Every resource takes ``clock=``.
- **Queues** behave as Amazon SQS queues do: a received message is hidden, not gone, until its visibility
  timeout ends or somebody deletes it.
- **Topics**, **buses** and **streams** behave as SNS, EventBridge and Kinesis do, and deliver into queues,
  functions and one another.
- **Errors** form one tree under `PostroomError`, with AWS's codes and texts, and what to do about each.

Names are AWS's own in snake_case (`visibility_timeout`, `max_receive_count`, `partition_key`), so the AWS
documentation reads as a manual of this library too. What differs from AWS is listed in docs/fidelity.md.

Importing this package loads none of it: each name below is fetched from its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from postroom._version import __version__ as __version__

if TYPE_CHECKING:
    from postroom.errors import PostroomError as PostroomError

__all__ = [
    "PostroomError",
    "__version__",
]

# Where each name lives. The three lists on this page say the same; tests/test_house.py sees to it.
_HOMES = {
    "PostroomError": "errors",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value  # the next access is an ordinary one
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
