"""
Faults on purpose: a seeded plan of what goes wrong, so that a run with failures can be repeated.

A resource asks its plan at the moments when AWS, too, may fail: "is this delivery made twice?", "does this call of
the handler crash?", "does the answer get lost?", "how slow is this call?", "is this delete forgotten?". The answers
depend on the seed, on the kind of fault, on the name of the resource, and on how often it asked; on nothing else. So
another resource, or another kind of fault, disturbs no answers but its own, and a higher rate keeps every fault of the
lower one and adds to them.

Who hands something on, a topic or a bus, asks by a *label*, ``sender->destination``: the names of the two, such as
``orders->kitchen`` for what the topic *orders* delivers to the queue *kitchen*. Whether a call is throttled is asked
by ``resource.operation``, such as ``orders.send_message``: how often a queue is polled disturbs no send.

>>> faults = Faults(seed=7, crash_rate=0.3)
>>> [faults.draws_crash("counter") for _ in range(4)]
[<Crash.AFTER: 'after'>, <Crash.AFTER: 'after'>, None, None]
>>> faults.draws_duplicate("orders")
False

What makes a standard queue imperfect, as it is in reality (SQS 9):

==============================  ===========================================================
Rate                            What happens
==============================  ===========================================================
`Faults.duplicate_rate`         a received message stays visible, and is delivered again
`Faults.reorder_rate`           a later message overtakes the next one
`Faults.short_poll_miss_rate`   a short poll does not see a message
`Faults.false_empty_rate`       a receive returns nothing, although there are messages
`Faults.lost_delete_rate`       a delete succeeds and is forgotten: the message comes back
`Faults.throttle_rate`          a call is refused, and does nothing
==============================  ===========================================================
"""

from __future__ import annotations

from postroom.faults._crash import Crash, InjectedCrash, injected
from postroom.faults._plan import Faults, check_faults

__all__ = ["Crash", "Faults", "InjectedCrash", "check_faults", "injected"]

# Tracebacks show these two, and pickles name them: in which module of this room they stand is no matter.
Crash.__module__ = InjectedCrash.__module__ = __name__
