"""
Asynchronous invocation: who calls is answered at once, and the handler runs when it is its turn (DEL D).

Every invocation waits in the function's own queue, of which `Invocations` is the core. A turn works off what is ready
when it begins; before each call it asks for another turn if more is ready, so that on a clock with threads calls run side
by side, as far as the function's concurrency allows.
"""

from __future__ import annotations

import json
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, cast

from postroom.clock import Due
from postroom.delivery import Outbox, deliver_letter, letter_text
from postroom.errors import (
    InvalidInput,
    InvalidRequestContent,
    RequestTooLarge,
    ResourceClosed,
)
from postroom.limits import INVOCATION_SIZE_MAX_BYTES
from postroom.message import AttributeValue, Parcel, format_uuid, to_attributes
from postroom.worker._calls import Batch
from postroom.worker._invocations import Invocation, Invocations
from postroom.worker._results import plain_error, shown_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from postroom.clock import Timer
    from postroom.observe import Destination
    from postroom.worker._frame import FunctionFrame
    from postroom.worker._invocations import Over

_ERROR_CODE: Final = "200"
"""Of every dead letter: the invocation itself went well, and its handler raised (DEL D)."""


class Asynchronous:
    """
    Not for users: what a function has its asynchronous invocations made by.

    Args:
        function: Whose lock, clock and handler it uses.
        core: The invocations.
        dead_letter_queue: Where those go that were given up; None: they are dropped.
    """

    def __init__(self, function: FunctionFrame, core: Invocations, dead_letter_queue: Destination | None) -> None:
        self._function = function
        self._core = core
        self._dead_letter_queue = dead_letter_queue
        self._outbox = Outbox()
        self._asked = False
        """Whether a turn is asked for that has not begun."""
        self._alarm: Timer | None = None

    @property
    def dead_letter_queue(self) -> Destination | None:
        """
        Where those go that were given up.
        """
        return self._dead_letter_queue

    # Taking in.

    def accept(self, body: str, cause: str | None, caused_by: tuple[str, ...], operation: str) -> str:
        """
        Takes an event over, to be called with as soon as it is its turn.

        Returns:
            Its request id.

        Raises:
            InvalidInput: The event is no text.
            InvalidRequestContent: It is no JSON.
            RequestTooLarge: It has more than 1 MiB.
            NotSupported: The handler is an ``async def``.
            ResourceClosed: The function or its clock is closed.
        """
        function = self._function
        function._refuse_closed(operation)
        function.check_receives()
        event = parsed(body)
        now = function.clock.now_us()
        with function._lock:
            function._refuse_closed(operation)
            request_id = format_uuid(function._home.random.getrandbits(128))
            invocation = Invocation(request_id, cause or request_id, body, now)
            invocation.event.append(event)
            invocation.caused_by = caused_by
            # Asked for before it is there: a closed clock refuses, and then nothing was taken over.
            self._ask()
            self._core.add(invocation)
        return request_id

    def _ask(self) -> None:
        """
        Under the function's lock: asks the clock for a turn, unless that is asked already.
        """
        if not self._asked:
            function = self._function
            function.clock.run(self._take_turn, str(function), patient=True)
            self._asked = True

    def _ask_if_any(self) -> None:
        """
        Sees to it that there is a turn if anything is to be done, now or later.
        """
        try:
            self._look()
        except BaseException:
            self._look()  # Ctrl-C: nobody else would
            raise

    def _look(self) -> None:
        function, core = self._function, self._core
        try:
            with function._lock:
                core.settle(function.clock.now_us())
                if core.ready or core.over:
                    self._ask()
                self._set_alarm()
        except ResourceClosed:
            pass  # a closed clock runs nothing any more, and has said so

    def _set_alarm(self) -> None:
        """
        Under the function's lock: has the clock ring when the next retry is due.
        """
        due, alarm = self._core.next_wakeup(), self._alarm
        if alarm is not None and (due is None or not alarm.active or alarm.when_us != due):
            alarm.cancel()
            self._alarm = None
        if due is not None and self._alarm is None:
            self._alarm = self._function.clock.alarm(due, self._ask_if_any, str(self._function))

    # Calling.

    def _take_turn(self) -> None:
        try:
            with self._function._lock:
                self._asked = False
            if not self._function.begin(self._take_turn):
                return
            try:
                self._work_off()
            finally:
                self._function.end()
            self._ask_if_any()
        except BaseException:
            # Ctrl-C: what is left is asked for, too; once too often does no harm.
            self._asked = False
            self._ask_if_any()
            raise

    def _work_off(self) -> None:
        """
        Works off what is there now.

        What comes meanwhile is for another turn: a function that invokes itself goes round for ever, and the clock can
        tell.
        """
        self._hand_over()  # what a turn before this one may have left
        for _ in range(len(self._core.ready)):
            if not self._work():
                return

    def _work(self) -> bool:
        """
        Calls the handler with the next invocation; whether there was one.
        """
        function, core = self._function, self._core
        token = (object(), get_ident())
        try:
            with function._lock:
                invocation = core.take(function.clock.now_us(), token)
                if core.ready:
                    self._ask()
            if invocation is not None:
                self._call(invocation, token)
            return invocation is not None
        finally:
            # Ctrl-C: it is taken still, and tried again from the start.
            with function._lock:
                core.give_back(token)
            self._hand_over()

    def _call(self, invocation: Invocation, token: tuple[object, int]) -> None:
        function, core = self._function, self._core
        attempt = invocation.attempts + 1
        try:
            called = function.process(
                Batch(
                    (invocation.message_id,),
                    partial(_event_of, invocation),
                    lambda: (_details_of(invocation, attempt),),
                    invocation.request_id,
                )
            )
        except ResourceClosed:
            # Closed after it was taken, and before the handler was called.
            with function._lock:
                core.succeeded(token)
            self._drop([invocation], "the function was closed")
            return
        error = None if called.error is None else plain_error(called.error)
        with function._lock:
            if error is None:
                core.succeeded(token)
                return
            if not function.closed:
                core.failed(token, function.clock.now_us(), error)
                return  # the end of the turn sets the alarm
            core.succeeded(token)
        self._drop([invocation], "the function was closed before its retry")

    # Giving up.

    def _hand_over(self) -> None:
        if self._core.over:
            self._outbox.drain(self._next_over)

    def _next_over(self) -> Callable[[], object] | None:
        with self._function._lock:
            over = self._core.over[0] if self._core.over else None
        return None if over is None else partial(self._give_up, over)

    def _give_up(self, over: Over) -> None:
        invocation, queue = over.invocation, self._dead_letter_queue
        why = f"{over.condition}, after {invocation.attempts} calls"
        told: dict[str, Any] = {
            "request_id": invocation.request_id,
            "condition": over.condition,
            "error": invocation.error,
        }
        kind: Any = "dropped"
        if queue is not None:
            try:
                deliver_letter(queue, _dead_letter(over))
            except Exception as error:
                told["error"] = why = f"{queue} did not take it: {shown_error(error)}"
            else:
                kind, told["to"] = "dead-lettered", str(queue)
                why += f", to {queue}"
        with self._function._lock:
            self._core.over.popleft()
        self._function.note_end(kind, (invocation.message_id,), f": {why}", **told)

    def _drop(self, invocations: list[Invocation], why: str) -> None:
        for invocation in invocations:
            self._function.note_end(
                "dropped", (invocation.message_id,), f": {why}", request_id=invocation.request_id, error=why
            )

    # Looking, and ending.

    def counts(self) -> tuple[int, int]:
        """
        Under the function's lock: how many wait for their turn, and how many for a retry.
        """
        self._core.settle(self._function.clock.now_us())
        return len(self._core.ready), self._core.retrying

    @property
    def is_idle(self) -> bool:
        """
        Under the function's lock: whether none waits for its turn.
        """
        return not self._core.ready and not self._core.over

    def explain(self, message_id: str) -> str:
        """
        Under the function's lock: what an invocation waits for; empty if there is none.
        """
        for invocation in self._core.ready:
            if invocation.message_id == message_id:
                return "waits for its turn"
        now = self._function.clock.now_us()
        for invocation in self._core.waiting():
            if invocation.message_id == message_id:
                return f"is tried again in {(invocation.due_at - now) / 1_000_000:.1f} s"
        return ""

    def next_wakeup(self) -> int | None:
        """
        When the next retry is due, in microseconds since the epoch.
        """
        return self._core.next_wakeup()

    def pending(self) -> Iterable[Due]:
        """
        For people: when the next retry is due, and how many there are.
        """
        due, retrying = self._core.next_wakeup(), self._core.retrying
        if due is not None:
            yield Due(due, str(self._function), f"{retrying} failed: tried again")

    def close(self) -> None:
        """
        Drops what waits for its turn, or for a retry.
        """
        with self._function._lock:
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            dropped = self._core.clear()
            self._function._rest.notify_all()
        self._drop(dropped, "the function was closed")

    def after_fork_in_child(self, ident: int) -> None:
        """
        Under the function's lock: calls of threads that were not copied are made once more.
        """
        self._outbox.after_fork_in_child()
        self._core.give_back_others(
            lambda token: isinstance(token, tuple) and cast("tuple[object, int]", token)[1] == ident
        )
        if self._alarm is not None:
            # The clock's thread may have had it in hand, and was not copied either.
            self._alarm.cancel()
            self._alarm = None
        self._asked = False
        if self._core.ready or self._core.over or self._core.retrying:
            self._function.clock.run(self._ask_if_any, str(self._function), patient=True)


def _event_of(invocation: Invocation) -> Any:
    """
    The event, fresh for each attempt: a handler may change it.
    """
    return invocation.event.pop() if invocation.event else json.loads(invocation.body)


def _details_of(invocation: Invocation, attempt: int) -> Mapping[str, Any]:
    details: dict[str, Any] = {"attempt": attempt}
    if invocation.caused_by:
        details["caused_by"] = invocation.caused_by
    return details


def _dead_letter(over: Over) -> Parcel:
    invocation = over.invocation
    message = letter_text(invocation.error or f"{over.condition}: it was never called.")
    attributes = {
        "RequestID": AttributeValue("String", invocation.request_id),
        "ErrorCode": AttributeValue("Number", _ERROR_CODE),
        "ErrorMessage": AttributeValue("String", message),
    }
    return Parcel(invocation.body, to_attributes(attributes), cause=invocation.message_id)


def json_text(event: object) -> str:
    """
    An event as JSON: characters as they are, unless one is half a surrogate pair, which UTF-8 cannot hold.

    Raises:
        TypeError, ValueError, RecursionError: It cannot be written as JSON.
    """
    text = json.dumps(event, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(event)
    return text


def parsed(body: object) -> Any:
    """
    The event of a payload.

    Raises:
        InvalidInput: It is no text.
        InvalidRequestContent: It is no JSON.
        RequestTooLarge: It has more than 1 MiB.
    """
    if not isinstance(body, str):
        raise InvalidInput(f"An event of type {type(body).__name__} is no text.", help="json.dumps makes text of data.")
    try:
        size = len(body) if body.isascii() else len(body.encode())
    except UnicodeEncodeError as error:
        raise InvalidRequestContent(
            "Could not parse request body into json.",
            help=f"It has half a character at index {error.start}, and no form in UTF-8; json.dumps escapes it.",
        ) from None
    if size > INVOCATION_SIZE_MAX_BYTES:
        raise RequestTooLarge(
            f"Request must be smaller than {INVOCATION_SIZE_MAX_BYTES} bytes for the InvokeFunction operation",
            help=f"The event has {size:,} bytes.",
        )
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestContent(
            "Could not parse request body into json.",
            help=f"{error}; a function's event is JSON, so text has to be quoted: json.dumps(text).",
        ) from None
