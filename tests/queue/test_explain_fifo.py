"""
What a FIFO queue says of a message: what it waits for, and what was dropped for its sake.
"""

from __future__ import annotations

from postroom import FifoQueue, ManualClock


def test_a_message_of_a_fifo_queue_explains_itself() -> None:
    clock = ManualClock()
    queue = FifoQueue("orders.fifo", content_based_deduplication=True, delay=5, clock=clock, seed=1)
    first = queue.send_message("tea", message_group_id="a")
    clock.advance(5)
    second = queue.send_message("cake", message_group_id="a")
    told = [queue.explain(first.message_id), queue.explain(second.message_id)]
    clock.advance(5)
    told += [queue.explain(second.message_id)]
    [message] = queue.receive_messages(max_messages=1)
    told += [queue.explain(second.message_id)]
    clock.advance(12)
    queue.send_message("tea", message_group_id="a")
    clock.advance(11)
    told += [queue.explain(message.message_id)]
    queue.delete_message(message.receipt_handle)
    told += [queue.explain(message.message_id), queue.explain(second.message_id)]

    end = message.receipt_handle[-8:]
    dropped = "dropped: a send with the same deduplication id, 11.0 s ago"
    assert told == [
        "available: sent 5.0 s ago, received never",
        "delayed: available in 5.0 s",
        "available: sent 5.0 s ago, received never",
        f"blocked: group a is held by {first.message_id}, which is in flight",
        f"in flight: received 23.0 s ago by receipt …{end}, visible again in 7.0 s; {dropped}",
        f"deleted 0.0 s ago: received 1 time; {dropped}",
        "available: sent 28.0 s ago, received never",
    ]
