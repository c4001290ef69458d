"""
What resources share that hand messages to one another: the outbox, and the frame of every driver.
"""

from __future__ import annotations

from postroom.delivery._outbox import Outbox
from postroom.delivery._resource import Resource

__all__ = ["Outbox", "Resource"]
