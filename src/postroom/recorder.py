"""
A recorder: keeps what resources tell, and tells the story of one message through all of them.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from postroom.clock import show_span, to_datetime
from postroom.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroom.observe import Observation, Observer

_BODY_SHOWN = 60
_ARRIVALS = {"sent", "moved in", "invoked", "published", "put"}
"""What happens to a message as it comes into a resource, from the one before."""


class Observable(Protocol):
    """
    What a recorder can listen to: a resource, or a region.
    """

    def observe(self, observer: Observer) -> None:
        """
        Has the observer told from now on.
        """
        ...

    def unobserve(self, observer: Observer) -> None:
        """
        Tells it no more.
        """
        ...


class Story(NamedTuple):
    """
    What happened to one message, in order: what it was made of, what became of it, and what was made of it.

    >>> from postroom import ManualClock, Queue, Recorder
    >>> clock = ManualClock()
    >>> queue = Queue("orders", clock=clock, seed=1)
    >>> recorder = Recorder(queue)
    >>> sent = queue.send_message("2 x tea")
    >>> [message] = queue.receive_messages()
    >>> clock.advance(12)
    >>> queue.delete_message(message.receipt_handle)
    >>> print(recorder.story(sent.message_id))
    message 5ee19dea-974b-4607-b28b-094bc7e1767f: 2 x tea
    2024-01-01 00:00:00.000             queue orders  sent
                                        queue orders  received, hidden for 30.0 s (receive 1)
    2024-01-01 00:00:12.000  +12.0 s    queue orders  deleted (receive 1)
    """

    message_id: str
    """Whose story it is."""
    observations: tuple[Observation, ...]
    """In the order in which they happened; at one instant, of their sequence numbers."""

    def __str__(self) -> str:
        first = self.observations[0]
        lines = [f"message {self.message_id}{_shown_body(first)}"]
        width = max(len(seen.resource) for seen in self.observations)
        before: int | None = None
        for seen in self.observations:
            at = span = ""
            if seen.at_us != before:
                at = _shown_instant(seen.at_us)
                span = "" if before is None else f"+{show_span(seen.at_us - before)}"
            lines.append(f"{at:<23}  {span:<9}  {seen.resource:<{width}}  {_what(seen)}")
            before = seen.at_us
        return "\n".join(lines)

    @property
    def duration_us(self) -> int:
        """
        Microseconds from the first thing that happened to the last.
        """
        return self.observations[-1].at_us - self.observations[0].at_us

    @property
    def message_ids(self) -> list[str]:
        """
        Of the message, and of those it was made of and that were made of it, as they first appear.
        """
        return list(dict.fromkeys(seen.message_id for seen in self.observations))

    def mermaid(self) -> str:
        """
        The story as a Mermaid sequence diagram: resources side by side, time from top to bottom.

        >>> from postroom import ManualClock, Queue, Recorder
        >>> queue = Queue("orders", clock=ManualClock())
        >>> recorder = Recorder(queue)
        >>> sent = queue.send_message("2 x tea")
        >>> print(recorder.story(sent.message_id).mermaid())
        sequenceDiagram
            participant r0 as queue orders
            Note over r0: 2024-01-01 00:00:00.000<br/>sent
        """
        resources = list(dict.fromkeys(seen.resource for seen in self.observations))
        last: dict[str, str] = {}
        lines = ["sequenceDiagram"]
        lines += [f"    participant r{number} as {name}" for number, name in enumerate(resources)]
        for seen in self.observations:
            here = f"r{resources.index(seen.resource)}"
            origins = [last[id_] for id_ in (*_causes_of(seen), seen.message_id) if id_ in last]
            if origins and origins[0] != here and seen.kind in _ARRIVALS:
                lines.append(f"    {origins[0]}->>{here}: {seen.kind}")
            lines.append(f"    Note over {here}: {_shown_instant(seen.at_us)}<br/>{_for_mermaid(_what(seen))}")
            last[seen.message_id] = here
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.

        >>> from postroom import ManualClock, Queue, Recorder
        >>> queue = Queue("orders", clock=ManualClock())
        >>> recorder = Recorder(queue)
        >>> sent = queue.send_message("2 x tea")
        >>> len(recorder.story(sent.message_id).to_dict()["observations"])
        1
        """
        return {"message_id": self.message_id, "observations": [seen.to_dict() for seen in self.observations]}


class Recorder:
    """
    Keeps the latest observations of resources and regions, and finds those of one message.

    >>> from postroom import ManualClock, Recorder, Region
    >>> region = Region(clock=ManualClock())
    >>> recorder = Recorder(region)
    >>> sent = region.queue("orders").send_message("2 x tea")
    >>> [seen.kind for seen in recorder]
    ['sent']

    Args:
        sources: Resources and regions to listen to.
        most: How many observations are kept, 1 or more; the oldest make room.

    Raises:
        InvalidInput: `most` is out of range.
    """

    def __init__(self, *sources: Observable, most: int = 100_000) -> None:
        if not _is_count(most):
            raise InvalidInput(f"most={most!r} is out of range.", help="Give 1 or more observations to keep.")
        self._most = most
        self._lock = threading.Lock()
        self._kept: deque[Observation] = deque()
        self._by_message: dict[str, deque[Observation]] = {}
        self._made_of: dict[str, dict[str, None]] = {}
        """By message, those that it caused, in order."""
        self._dropped = 0
        self._sources: list[Observable] = []
        for source in sources:
            self.listen_to(source)

    def listen_to(self, source: Observable) -> None:
        """
        Listens to one resource or region more.

        >>> from postroom import ManualClock, Queue, Recorder
        >>> recorder, queue = Recorder(), Queue("orders", clock=ManualClock())
        >>> recorder.listen_to(queue)
        >>> sent = queue.send_message("2 x tea")
        >>> len(recorder)
        1
        """
        if not hasattr(source, "observe"):
            raise InvalidInput(f"{source!r} cannot be observed.", help="Give resources and regions, one by one.")
        source.observe(self._record)
        self._sources.append(source)

    def _record(self, seen: Observation) -> None:
        with self._lock:
            self._kept.append(seen)
            self._by_message.setdefault(seen.message_id, deque()).append(seen)
            for cause in _causes_of(seen):
                self._made_of.setdefault(cause, {})[seen.message_id] = None
            if len(self._kept) > self._most:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = self._kept.popleft()
        of_message = self._by_message[oldest.message_id]
        of_message.popleft()
        if not of_message:
            del self._by_message[oldest.message_id]
        for cause in _causes_of(oldest):
            made = self._made_of.get(cause, {})
            made.pop(oldest.message_id, None)
            if not made:
                self._made_of.pop(cause, None)
        self._dropped += 1

    def __len__(self) -> int:
        return len(self._kept)

    # A recorder that has heard nothing is still a recorder.
    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Observation]:
        """
        What is kept, in the order of sequence numbers.
        """
        with self._lock:
            return iter(sorted(self._kept, key=_sequence))

    def __repr__(self) -> str:
        dropped = f", {self._dropped} older ones dropped" if self._dropped else ""
        return f"<Recorder of {len(self._kept)} observations of {len(self._by_message)} messages{dropped}>"

    @property
    def message_ids(self) -> list[str]:
        """
        The messages of which something is kept, in the order in which they were first heard of.
        """
        with self._lock:
            return list(self._by_message)

    def story(self, message_id: str) -> Story:
        """
        What happened to one message in all resources, as an object that prints as text and as Mermaid.

        A message that a topic hands on to a queue, or that a handler sends because of one that it took, has an id of its
        own. The story goes on with those that were made of the message, and begins with those it was made of; what
        else those became is not told. Of a handler's call with several messages, each is taken for the cause of all that
        the call sent: have batches of one where stories matter. Costs what the story is long, however much is kept.

        >>> from postroom import ManualClock, Queue, Recorder
        >>> queue = Queue("orders", clock=ManualClock())
        >>> recorder = Recorder(queue)
        >>> sent = queue.send_message("2 x tea")
        >>> [seen.kind for seen in recorder.story(sent.message_id).observations]
        ['sent']

        Args:
            message_id: As the call returned it: a queue's or a topic's message id, an event id; of a record in a stream,
                the stream's name, a colon and the sequence number.

        Raises:
            NotFound: Nothing is kept of such a message.
        """
        with self._lock:
            told = [one for id_ in self._joined(message_id) for one in self._by_message.get(id_, ())]
        observations = tuple(sorted(told, key=_instant))
        if not observations:
            raise NotFound(
                f"Nothing is known of a message {message_id!r}.",
                help=f"{self!r}; a recorder hears only what happens after it was made. A record in a stream is known by the "
                "stream's name, a colon and its sequence number.",
            )
        return Story(message_id, observations)

    def _joined(self, message_id: str) -> list[str]:
        """
        The message, what it was made of, and what was made of it; under the lock.
        """
        found = {message_id: None}
        ahead = [message_id]
        for one in ahead:  # grows on the way
            new = [made for made in self._made_of.get(one, ()) if made not in found]
            found.update(dict.fromkeys(new))
            ahead += new
        behind = [message_id]
        for one in behind:
            causes = [cause for seen in self._by_message.get(one, ()) for cause in _causes_of(seen)]
            new = [cause for cause in causes if cause not in found]
            found.update(dict.fromkeys(new))
            behind += new
        return list(found)

    def close(self) -> None:
        """
        Listens to nobody any more; what is kept stays.

        >>> from postroom import ManualClock, Queue, Recorder
        >>> queue = Queue("orders", clock=ManualClock())
        >>> with Recorder(queue) as recorder:
        ...     sent = queue.send_message("kept")
        >>> sent = queue.send_message("not heard of")
        >>> len(recorder)
        1
        """
        for source in self._sources:
            source.unobserve(self._record)
        self._sources.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _causes_of(seen: Observation) -> tuple[str, ...]:
    found: tuple[str, ...] = seen.details.get("caused_by", ())
    return found


def _sequence(seen: Observation) -> int:
    return seen.sequence


def _instant(seen: Observation) -> tuple[int, int]:
    # What fell due may be noticed, and numbered, after what happened later.
    return seen.at_us, seen.sequence


def _shown_instant(at_us: int) -> str:
    return to_datetime(at_us).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


def _shown_body(seen: Observation) -> str:
    body = " ".join(str(seen.details.get("body", "")).splitlines())
    if not body:
        return ""
    return f": {body}" if len(body) <= _BODY_SHOWN else f": {body[: _BODY_SHOWN - 3]}..."


def _what(seen: Observation) -> str:
    """
    What happened, in words.
    """
    details = seen.details
    words: str = seen.kind
    until = details.get("visible_at_us")
    if until is not None and seen.kind in {"received", "hidden"}:
        words += f", hidden for {show_span(until - seen.at_us)}" if until > seen.at_us else ", left visible"
    elif until is not None:
        words += f", delayed by {show_span(until - seen.at_us)}"
    if "to" in details:
        words += f" by {details['to']}" if seen.kind == "refused" else f" to {details['to']}"
    if "key" in details:
        words += f" into {details['key']}"
    if details.get("rules"):
        words += f" by {', '.join(details['rules'])}"
    if details.get("receive_count"):
        words += f" (receive {details['receive_count']})"
    return f"{words}: {' '.join(details['error'].split())}" if "error" in details else words


def _for_mermaid(text: str) -> str:
    """
    Semicolons and hashes end or begin things in Mermaid's text.
    """
    return text.translate({ord("#"): "#35;", ord(";"): "#59;"})
