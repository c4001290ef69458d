"""
ManualClock against a naive model: a list, sorted anew at each look.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from postroom.clock import ManualClock, Timer
from tests.clock.box import Box

SECOND = 1_000_000

# What a callback does when it runs: nothing, or adds others, cancels the oldest that waits, or works for a while.
plans = st.recursive(
    st.just(()),
    lambda children: st.lists(
        st.tuples(st.sampled_from(["at", "soon"]), st.integers(0, 4), children)
        | st.tuples(st.sampled_from(["cancel", "advance"]), st.integers(0, 4), st.just(())),
        max_size=3,
    ).map(tuple),
    max_leaves=6,
)
Plan = tuple[tuple[str, int, "Plan"], ...]


@dataclass
class Job:
    """
    One callback, in the model and in the clock.
    """

    name: int
    when: int
    plan: Plan
    waits: bool = True
    timer: Timer | None = None


@dataclass
class Model:
    """
    Obviously right: no heap, no role, no lock.
    """

    now: int = 0
    jobs: list[Job] = field(default_factory=list)
    log: list[tuple[int, int]] = field(default_factory=list)

    def add(self, when: int, plan: Plan) -> Job:
        """
        One more, due now if it was due in the past.
        """
        job = Job(len(self.jobs), max(when, self.now), plan)
        self.jobs.append(job)
        return job

    def waiting(self) -> list[Job]:
        """
        In order of time, then of registration.
        """
        return sorted((job for job in self.jobs if job.waits), key=lambda job: (job.when, job.name))

    def run_until(self, target: int) -> None:
        """
        All that is due up to the target, and what that brings about.
        """
        while (due := self.waiting()) and due[0].when <= max(target, self.now):
            job = due[0]
            job.waits = False
            self.now = max(self.now, job.when)
            self.log.append((job.name, self.now))
            for action, number, plan in job.plan:
                if action == "at":
                    self.add(self.now + (number - 1) * SECOND, plan)
                elif action == "soon":
                    self.add(self.now, plan)
                elif action == "cancel":
                    for victim in self.waiting()[:1]:
                        victim.waits = False
                else:
                    self.run_until(self.now + number * SECOND)
        self.now = max(self.now, target)


class ManualClockMachine(RuleBasedStateMachine):
    """
    Each rule acts on both; after each, both have run the same at the same instants.
    """

    timers = Bundle("timers")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.clock = ManualClock(start=0)
        self.real: list[Timer] = []
        self.log: list[tuple[int, int]] = []
        self.boxes: list[Box] = []
        self.ready: list[int] = []

    def callback(self, plan: Plan) -> Callable[[], None]:
        """
        What the clock calls: it does what the plan says.
        """
        name = len(self.real)

        def run() -> None:
            self.log.append((name, self.clock.now_us()))
            for action, number, inner in plan:
                if action == "at":
                    self.add_at(self.clock.now_us() + (number - 1) * SECOND, inner)
                elif action == "soon":
                    self.real.append(self.clock.call_soon(self.callback(inner)))
                elif action == "cancel":
                    waiting = sorted((timer.when_us, index) for index, timer in enumerate(self.real) if timer.active)
                    for _, index in waiting[:1]:
                        self.real[index].cancel()
                else:
                    self.clock.advance(number)

        return run

    def add_at(self, when: int, plan: Plan) -> None:
        """
        `call_at`, kept in the order of registration.
        """
        self.real.append(self.clock.call_at(when, self.callback(plan)))

    @rule(target=timers, seconds=st.integers(-2, 6), plan=plans)
    def call_at(self, seconds: int, plan: Plan) -> int:
        """
        In the past, now, or later.
        """
        when = self.model.now + seconds * SECOND
        self.add_at(when, plan)
        return self.model.add(when, plan).name

    @rule(target=timers, plan=plans)
    def call_soon(self, plan: Plan) -> int:
        """
        After what is due already.
        """
        self.real.append(self.clock.call_soon(self.callback(plan)))
        return self.model.add(self.model.now, plan).name

    @rule(name=consumes(timers))
    def cancel(self, name: int) -> None:
        """
        Both say whether there was something to cancel.
        """
        job = self.model.jobs[name]

        assert self.real[name].cancel() is job.waits
        job.waits = False

    @rule(seconds=st.integers(0, 5))
    def advance(self, seconds: int) -> None:
        """
        In one step.
        """
        self.clock.advance(seconds)
        self.model.run_until(self.model.now + seconds * SECOND)

    @rule(tenths=st.integers(1, 30))
    def advance_in_steps(self, tenths: int) -> None:
        """
        Of a tenth of a second each: the same instants.
        """
        target = self.model.now + tenths * SECOND // 10
        for _ in range(tenths):
            if self.clock.now_us() < target:
                self.clock.advance(0.1)
                self.model.run_until(self.model.now + SECOND // 10)

    @rule()
    def settle(self) -> None:
        """
        What is due now.
        """
        self.clock.settle()
        self.model.run_until(self.model.now)

    @rule()
    def advance_to_next(self) -> None:
        """
        To the next callback, or to the next deadline of a source.
        """
        due = [job.when for job in self.model.waiting()[:1]] + [when for when in self.ready if when > self.model.now]
        reached = self.clock.advance_to_next()
        if due:
            self.model.run_until(min(due))
            assert reached == self.clock.now()
        else:
            assert reached is None

    @precondition(lambda self: len(self.boxes) < 3)
    @rule(seconds=st.integers(1, 6))
    def add_source(self, seconds: int) -> None:
        """
        A resource with a deadline.
        """
        box = Box(self.clock, f"box {len(self.boxes)}")
        box.put("x", delay=seconds)
        self.boxes.append(box)
        self.ready.append(self.model.now + seconds * SECOND)
        self.model.run_until(self.model.now)  # an operation of a resource runs what is due

    @precondition(lambda self: self.boxes)
    @rule()
    def drop_source(self) -> None:
        """
        Sources are kept weakly.
        """
        self.boxes.pop()
        self.ready.pop()
        gc.collect()  # a box and its waiters know each other

    @invariant()
    def same(self) -> None:
        """
        The same time, the same runs, the same left over.
        """
        assert self.clock.now_us() == self.model.now
        assert self.log == self.model.log
        assert [timer.active for timer in self.real] == [job.waits for job in self.model.jobs]
        due = sorted(
            [job.when for job in self.model.waiting()] + [when for when in self.ready if when > self.model.now]
        )
        assert [due.at_us for due in self.clock.pending()] == due


TestManualClockModel = ManualClockMachine.TestCase
