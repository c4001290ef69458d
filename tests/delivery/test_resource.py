"""
The frame that all resources have in common.
"""

from __future__ import annotations

import threading

import pytest

from postroom import ManualClock
from postroom.delivery import Resource
from postroom.errors import MissingParameter, ResourceClosed
from postroom.observe import Standalone


def a_resource() -> Resource:
    return Resource("orders", "arn:aws:sqs:us-east-1:123456789012:orders", Standalone(ManualClock(), 1))


def test_a_resource_has_a_name_an_arn_and_a_clock() -> None:
    clock = ManualClock()
    resource = Resource("orders", "an arn", Standalone(clock))

    assert (resource.name, resource.arn, resource.clock, resource.closed) == ("orders", "an arn", clock, False)
    assert str(resource) == "resource orders"


def test_it_is_closed_once_and_for_all_and_says_so() -> None:
    with a_resource() as resource:
        resource._refuse_closed("send")
    resource.close()

    assert resource.closed
    with pytest.raises(ResourceClosed, match="resource orders is closed") as caught:
        resource._refuse_closed("send")
    assert (caught.value.operation, caught.value.resource) == ("send", "orders")


def test_nothing_falls_due_in_it_by_itself() -> None:
    resource = a_resource()

    assert resource.next_wakeup(0) is None
    assert list(resource.pending(0)) == []
    assert resource._next_hand_over() is None


def test_an_error_is_signed_once() -> None:
    resource = a_resource()
    error, signed = MissingParameter("a"), MissingParameter("a", operation="first", resource="another")
    resource._sign(error, "send")
    resource._sign(signed, "send")

    assert (error.operation, error.resource) == ("send", "orders")
    assert (signed.operation, signed.resource) == ("first", "another")


@pytest.mark.parametrize("in_child", [False, True])
def test_its_lock_is_held_over_a_fork(in_child: bool) -> None:
    resource = a_resource()
    resource.before_fork()
    assert resource._lock.locked()
    resource.after_fork(in_child=in_child)

    assert not resource._lock.locked()
    assert isinstance(resource._lock, type(threading.Lock()))
