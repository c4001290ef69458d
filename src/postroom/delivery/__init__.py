"""
What resources share that hand messages to one another: drivers' frame, hand-overs with retries, batch outcomes.
"""

from __future__ import annotations

from postroom.delivery._batch import BatchFailure, BatchOutcome, BatchSuccess, prepare
from postroom.delivery._courier import Courier, CourierStats, Round, Route
from postroom.delivery._letters import deliver_letter, error_line, error_text, letter_text
from postroom.delivery._outbox import Outbox
from postroom.delivery._places import check_resolvable
from postroom.delivery._refusals import refuse_unknown
from postroom.delivery._resource import Resource
from postroom.delivery._retries import BackoffRetries, PhasedRetries, RetrySchedule, is_permanent

__all__ = [
    "BackoffRetries",
    "BatchFailure",
    "BatchOutcome",
    "BatchSuccess",
    "Courier",
    "CourierStats",
    "Outbox",
    "PhasedRetries",
    "Resource",
    "RetrySchedule",
    "Round",
    "Route",
    "check_resolvable",
    "deliver_letter",
    "error_line",
    "error_text",
    "is_permanent",
    "letter_text",
    "prepare",
    "refuse_unknown",
]
