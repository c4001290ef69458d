"""
Fair queues: a tenant that takes more than a share of the consumers waits for the others (SQS 4).

A message with a group id belongs to a *tenant*; each other message is a tenant of its own, and of those nothing is kept
here. A tenant is *quiet* or *noisy*. It becomes noisy if it holds more than a tenth of all messages in flight and at least
30, or if its messages were in flight for more than a tenth of the time that all messages were in flight of late. It is
quiet again when nothing of it waits, or when it sent nothing for 5 minutes. Where AWS does not say, this is how it is here:

- A tenant is judged when something happens to it: one of its messages is sent, received, hidden, visible again or gone.
  In one receive the verdict of before holds throughout. So looking needs no judgement, and agrees with the receive after it.
- "Of late" is the last 30 whole slices of ten seconds, and the slice that runs. A message counts until it leaves the
  flight, and what is in flight counts up to now. It counts from the first message with a group id on, which is when this
  begins to exist.
- What *waits* is available or delayed. A lone message never is noisy: to receive it exhausts its backlog.
- A message on its way to the dead-letter queue is neither in flight nor waiting. One that comes as a dead letter is sent.

Messages of a tenant are in its line, in send order. A tenant with an available message has a *place*, no later than the one
it has by right: ``(0, position)`` if it is quiet, ``(1 + in flight, position)`` if it is noisy. That a tenant went back
is found out when its place comes up; that it came forward is written down at once. Thus each change costs O(log n).

After Ctrl-C a set of a tenant may lack a message that is there, until that is received or goes; never the other way round.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from heapq import heapify, heappop, heappush, heapreplace
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from postroom.limits import NOISY_IN_FLIGHT_MIN, NOISY_PARTS, QUIET_AFTER_US
from postroom.queue._tenant import (
    FORGOTTEN_AFTER_US,
    Place,
    Tally,
    Tenant,
    ascending,
    take_out,
)

if TYPE_CHECKING:
    from postroom.queue._entry import Entry

_FOREVER: Final = 1 << 63


class Quiet(NamedTuple):
    """
    The messages that are not those of noisy tenants (SQS 8.6).
    """

    available: int
    in_flight: int
    delayed: int


class Fair:
    """
    The tenants of a standard queue, and which message comes first.

    Args:
        now: When the first of them comes.
        entries: The messages of the queue, by number; this and the others stay the same objects.
        hidden: Those in flight, delayed or moving.
        delayed: Numbers of the delayed ones.
        moving: Those on the way to the dead-letter queue.
        floor: So many stale entries an index may hold in any case.
    """

    __slots__ = (
        "_delayed",
        "_entries",
        "_floor",
        "_hidden",
        "_idle",
        "_moving",
        "_pauses",
        "_places",
        "_tenants",
        "_time",
        "noisy",
        "now",
    )

    def __init__(
        self,
        now: int,
        entries: Mapping[int, Entry],
        hidden: Mapping[int, int | None],
        delayed: Collection[int],
        moving: Mapping[int, Entry],
        floor: int,
    ) -> None:
        self.now: int = now
        """The instant of the call that the queue is in."""
        self._entries = entries
        self._hidden = hidden
        self._delayed = delayed
        self._moving = moving
        self._floor = floor
        self._tenants: dict[str, Tenant] = {}
        self.noisy: dict[str, Tenant] = {}
        """Those that have to wait, by name."""
        self._places: list[Place] = []
        self._pauses: list[tuple[int, str]] = []
        self._idle: deque[tuple[int, str]] = deque()
        self._time = Tally(now)

    # Order.

    def line_up(self, entry: Entry) -> None:
        """
        A message of a tenant is about to be available. O(log n).
        """
        tenant = self._tenant(entry)
        pair = (entry.position, entry.number)
        heappush(tenant.line, pair)
        if len(tenant.line) > 2 * len(tenant.waiting) + self._floor:
            entries = self._entries
            tenant.line = sorted(
                {
                    one
                    for one in tenant.line
                    if one == pair or (one[1] in entries and one[0] == entries[one[1]].position)
                }
            )
        self._stand(tenant, entry.position)

    def first(self, lone: Entry | None) -> Entry | None:
        """
        What a receive takes next. O(log n), amortised.

        Args:
            lone: The first available message without a group id.
        """
        places = self._places
        while places:
            place = places[0]
            if lone is not None and (0, lone.position) < place:
                return lone
            tenant = self._tenants.get(place[2])
            if tenant is None or (tenant.place is not None and tenant.place != place):
                heappop(places)
                continue
            head = self._head(tenant)
            if head is None:
                tenant.place = None
                heappop(places)
                continue
            exact = (self._rank(tenant), head.position, tenant.name)
            if exact == place:
                tenant.place = place
                return head
            # Without a place of its own the tenant takes whichever comes up: Ctrl-C may strike in between.
            tenant.place = None
            heapreplace(places, exact)
            tenant.place = exact
        return lone

    def drop(self, entry: Entry) -> None:
        """
        Takes what was taken out of the line of its tenant. O(log n).
        """
        take_out(self._tenant(entry).line, (entry.position, entry.number))

    def upcoming(self, lone: Iterator[Entry], moves: Callable[[Entry], bool]) -> Iterator[Entry]:
        """
        What receives would take one after the other, if nothing else happened. O(log n) each.

        Args:
            lone: The available messages without a group id, in order.
            moves: Whether one would go to the dead-letter queue, and so not into flight.
        """
        heads: list[tuple[int, int, Entry]] = []
        streams: dict[str | None, Iterator[Entry]] = {None: lone}

        def put(name: str | None, rank: int) -> None:
            head = next(streams[name], None)
            if head is not None:
                heappush(heads, (rank, head.position, head))

        put(None, 0)
        end: Place = (_FOREVER, 0, "")
        # No tenant comes before its place: what comes before the next place is known.
        for place in chain(ascending(self._places), [end]):
            while heads and heads[0][:2] <= place[:2]:
                rank, _, entry = heappop(heads)
                yield entry
                put(entry.stored.message_group_id, rank + 1 if rank and not moves(entry) else rank)
            tenant = self._tenants.get(place[2])
            if tenant is not None and tenant.name not in streams:
                streams[tenant.name] = self._available(tenant)
                put(tenant.name, self._rank(tenant))

    def _available(self, tenant: Tenant) -> Iterator[Entry]:
        last = 0
        for position, number in ascending(tenant.line):
            entry = self._entries.get(number)
            if entry is not None and number not in self._hidden and entry.position == position and number != last:
                yield entry
                last = number

    def _rank(self, tenant: Tenant) -> int:
        return 1 + len(tenant.in_flight) if tenant.name in self.noisy else 0

    def _head(self, tenant: Tenant) -> Entry | None:
        line, entries, hidden = tenant.line, self._entries, self._hidden
        while line:
            position, number = line[0]
            entry = entries.get(number)
            if entry is not None and number not in hidden and entry.position == position:
                return entry
            heappop(line)
        return None

    def _stand(self, tenant: Tenant, position: int) -> None:
        place = (self._rank(tenant), position, tenant.name)
        if tenant.place is None or place < tenant.place:
            heappush(self._places, place)
            tenant.place = place
            if len(self._places) > 2 * len(self._tenants) + self._floor:
                tenants = self._tenants
                self._places = [
                    one for one in set(self._places) if one[2] in tenants and tenants[one[2]].place in {None, one}
                ]
                heapify(self._places)

    # What happens. Each of these returns when the core has to look again at the latest.

    def sent(self, now: int, entry: Entry) -> int:
        """
        A message of a tenant has come. O(1).
        """
        self.now = now
        tenant = self._tenant(entry)
        tenant.waiting.add(entry.number)
        tenant.sent_at = now
        self._forget(now)
        return self._judge(now, tenant)

    def takes_off(self, now: int, entry: Entry) -> None:
        """
        A message has gone into flight; `pass_time` was called before. O(1).
        """
        if entry.stored.message_group_id is not None:
            tenant = self._tenant(entry)
            tenant.time.advance(now, len(tenant.in_flight))
            tenant.in_flight.add(entry.number)
            tenant.waiting.discard(entry.number)

    def judge_all(self, now: int, messages: list[Entry], reserved: list[Entry]) -> int:
        """
        Messages have gone into flight, and others on their way to the dead-letter queue. O(log n) each.
        """
        touched: dict[str, Tenant] = {}
        for entry in reserved:
            if entry.stored.message_group_id is not None:
                self._tenant(entry).waiting.discard(entry.number)
        for entry in (*messages, *reserved):
            if entry.stored.message_group_id is not None:
                touched[entry.stored.message_group_id] = self._tenant(entry)
        return min((self._judge(now, tenant) for tenant in touched.values()), default=_FOREVER)

    def comes_back(self, at: int, entry: Entry) -> None:
        """
        A hidden message is about to be available. O(log n).
        """
        self.pass_time(at)
        if entry.stored.message_group_id is not None:
            tenant = self._tenant(entry)
            tenant.time.advance(at, len(tenant.in_flight))
            tenant.waiting.add(entry.number)
            tenant.in_flight.discard(entry.number)
            self.line_up(entry)

    def goes(self, at: int, entry: Entry) -> None:
        """
        A message is about to be gone. O(1).
        """
        self.pass_time(at)
        if entry.stored.message_group_id is not None:
            tenant = self._tenant(entry)
            tenant.time.advance(at, len(tenant.in_flight))
            tenant.waiting.discard(entry.number)
            tenant.in_flight.discard(entry.number)

    def judge(self, at: int, entry: Entry) -> int:
        """
        A message is available again, or gone: what is to be thought of its tenant now? O(log n).
        """
        return _FOREVER if entry.stored.message_group_id is None else self._judge(at, self._tenant(entry))

    def pass_time(self, now: int) -> None:
        """
        Before the number of messages in flight changes. O(1).
        """
        self._time.advance(now, self._in_flight())

    def next_pause(self) -> int:
        """
        When the next noisy tenant has sent nothing for 5 minutes. O(log n), amortised.
        """
        pauses = self._pauses
        while pauses:
            when, name = pauses[0]
            tenant = self.noisy.get(name)
            if tenant is None:
                if name in self._tenants:
                    self._tenants[name].has_pause = False
                heappop(pauses)
            elif tenant.sent_at + QUIET_AFTER_US > when:
                heapreplace(pauses, (tenant.sent_at + QUIET_AFTER_US, name))
            else:
                return when
        return _FOREVER

    def settle(self, now: int) -> int:
        """
        Tenants that sent nothing for 5 minutes are quiet. O(log n) each.
        """
        while (when := self.next_pause()) <= now:
            self._judge(when, self.noisy[self._pauses[0][1]])
        return when

    def _judge(self, at: int, tenant: Tenant) -> int:
        name = tenant.name
        pause = tenant.sent_at + QUIET_AFTER_US
        if not tenant.waiting or at >= pause:
            self.noisy.pop(name, None)
        elif name not in self.noisy and self._takes_too_much(at, tenant):
            if not tenant.has_pause:
                heappush(self._pauses, (pause, name))
                tenant.has_pause = True
            self.noisy[name] = tenant
        head = self._head(tenant)
        if head is not None:
            self._stand(tenant, head.position)
        elif not tenant.waiting and not tenant.in_flight:
            tenant.idle_since = at
            if not tenant.is_idle:
                self._idle.append((at, name))
                tenant.is_idle = True
        return pause if name in self.noisy else _FOREVER

    def _takes_too_much(self, at: int, tenant: Tenant) -> bool:
        count, all_ = len(tenant.in_flight), self._in_flight()
        if count >= NOISY_IN_FLIGHT_MIN and NOISY_PARTS * count > all_:
            return True
        spent = tenant.time.advance(at, count)
        return spent > 0 and NOISY_PARTS * spent > self._time.advance(at, all_)

    def _in_flight(self) -> int:
        return len(self._hidden) - len(self._delayed) - len(self._moving)

    def _tenant(self, entry: Entry) -> Tenant:
        name = entry.stored.message_group_id or ""
        tenant = self._tenants.get(name)
        if tenant is None:
            tenant = self._tenants[name] = Tenant(name, self.now)
        return tenant

    def _forget(self, now: int) -> None:
        """
        Tenants of whom nothing is left, not even time. Two at a time: each send brings one at most.
        """
        for _ in range(2):
            if not self._idle or self._idle[0][0] + FORGOTTEN_AFTER_US > now:
                return
            when, name = self._idle[0]
            tenant = self._tenants.get(name)
            if tenant is not None:
                if tenant.waiting or tenant.in_flight:
                    tenant.is_idle = False
                elif tenant.idle_since > when:
                    self._idle.append((tenant.idle_since, name))
                else:
                    del self._tenants[name]
            self._idle.popleft()

    # Figures.

    def quiet(self, available: int, in_flight: int, delayed: int) -> Quiet:
        """
        Of so many messages in all, those that are not noisy tenants'. O(n) in noisy tenants and their delayed messages.
        """
        for tenant in self.noisy.values():
            later = sum(number in self._delayed for number in tenant.waiting) if self._delayed else 0
            available -= len(tenant.waiting) - later
            in_flight -= len(tenant.in_flight)
            delayed -= later
        in_flight -= sum(self.is_noisy(entry) for entry in self._moving.values())
        return Quiet(available, in_flight, delayed)

    def is_noisy(self, entry: Entry) -> bool:
        """
        Whether a message is that of a noisy tenant.
        """
        return entry.stored.message_group_id in self.noisy

    def check(self) -> None:
        """
        Asserts what must hold after each operation, in time that grows with the number of messages.
        """
        waiting: dict[str, set[int]] = {}
        flying: dict[str, set[int]] = {}
        for number, entry in self._entries.items():
            name = entry.stored.message_group_id
            if name is not None and number not in self._moving:
                flies = number in self._hidden and number not in self._delayed
                (flying if flies else waiting).setdefault(name, set()).add(number)
        places = set(self._places)
        assert waiting.keys() | flying.keys() <= self._tenants.keys(), "a tenant is not known"
        for name, tenant in self._tenants.items():
            assert tenant.waiting == waiting.get(name, set()), f"what waits of tenant {name} is something else"
            assert tenant.in_flight == flying.get(name, set()), f"tenant {name} has something else in flight"
            assert tenant.place is None or tenant.place in places, f"the place of tenant {name} is not in line"
            available = [self._entries[number] for number in tenant.waiting if number not in self._hidden]
            line = set(tenant.line)
            for entry in available:
                assert (entry.position, entry.number) in line, f"message {entry.number} is available and in no line"
                right = (self._rank(tenant), entry.position, name)
                assert tenant.place is not None, f"tenant {name} has no place"
                assert tenant.place <= right, f"tenant {name} stands too far behind"
            assert name not in self.noisy or tenant.has_pause, f"tenant {name} is noisy for ever"
        assert self.noisy.keys() <= self._tenants.keys(), "a noisy tenant is not known"
