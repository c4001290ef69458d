"""
What resources share that hand messages to one another: the outbox, the frame of every driver, refusals by name.
"""

from __future__ import annotations

from postroom.delivery._outbox import Outbox
from postroom.delivery._refusals import refuse_unknown
from postroom.delivery._resource import Resource

__all__ = ["Outbox", "Resource", "refuse_unknown"]
