"""
Loops over messages.
"""

from __future__ import annotations

from postroom.queue._face import C
from postroom.queue._receiving import Receiving


class Consuming(Receiving[C]):
    """
    Not for users: see `Queue`.
    """
