"""
What the demo's functions do with events. Each is a handler in the shape of Lambda's, and idempotent by the event's id.

A queue delivers at least once, and so does all that follows: whoever must not do a thing twice keeps ids.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias, cast

from postroom.lab.events import repository_of
from postroom.limits import PARTITION_KEY_MAX_CHARS

if TYPE_CHECKING:
    from postroom.worker import Context

Detail: TypeAlias = dict[str, Any]

DETAIL_TYPE_MAX_CHARS: Final = 128
_TITLE_CHARS: Final = 120
_ID_KEYS: Final = ("title", "name", "summary", "message", "ref", "body")


class Put(Protocol):
    """
    Puts an event on the bus.
    """

    def __call__(self, *, source: str, detail_type: str, detail: Mapping[str, Any]) -> object:
        """
        As `EventBus.put_event`.
        """
        ...


REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "check_run": ("check_run.name", "check_run.status", "check_run.head_sha"),
    "check_suite": ("check_suite.status", "check_suite.head_sha"),
    "deployment": ("deployment.ref", "deployment.environment"),
    "deployment_status": ("deployment_status.state", "deployment.ref"),
    "page_build": ("build.status",),
    "push": ("ref", "after"),
    "status": ("state", "sha"),
    "workflow_dispatch": ("ref", "workflow"),
    "workflow_job": ("workflow_job.name", "workflow_job.status"),
    "workflow_run": ("workflow_run.name", "workflow_run.status", "workflow_run.head_sha"),
}
"""What an event about a build must have; of other kinds that begin so: a repository."""
BUILDS: Final = ("check_", "deployment", "page_build", "push", "status", "workflow")
REVIEWS: Final = ("pull_request", "issue", "discussion", "commit_comment")
MAILED: Final = frozenset(
    {
        "code_scanning_alert",
        "commit_comment",
        "dependabot_alert",
        "discussion_comment",
        "issue_comment",
        "issues",
        "member",
        "membership",
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
        "release",
        "repository_vulnerability_alert",
        "secret_scanning_alert",
        "security_advisory",
    }
)
"""What people get mail for."""


def actor_of(detail: Mapping[str, Any]) -> str:
    """
    Who did it, as GitHub's events have it.

    >>> actor_of({"sender": {"login": "octocat"}}), actor_of({})
    ('octocat', 'somebody')
    """
    found = _at(detail, "sender.login")
    return found if isinstance(found, str) and found else "somebody"


def title_of(detail: Mapping[str, Any]) -> str:
    """
    What it is about: the first title that is there, of what the event is about.

    >>> title_of({"action": "opened", "issue": {"title": "Tea is cold"}})
    'Tea is cold'
    """
    inner = [cast("Detail", one) for one in detail.values() if isinstance(one, dict)]
    for key in _ID_KEYS:
        for one in (*inner, detail):
            found: Any = one.get(key)
            if isinstance(found, str) and found.strip():
                return " ".join(found.split())[:_TITLE_CHARS]
    return "(no title)"


def attention_of(detail: Mapping[str, Any]) -> str | None:
    """
    Why somebody should look at it; None if nobody need.

    >>> attention_of({"check_run": {"conclusion": "failure"}}), attention_of({"alert": {}}), attention_of({})
    ('failure', 'alert', None)
    """
    for key in ("alert", "security_advisory"):
        if key in detail:
            return key
    for one in (detail, *detail.values()):
        if isinstance(one, Mapping):
            for key in ("conclusion", "state"):
                found: Any = cast("Mapping[str, Any]", one).get(key)
                if isinstance(found, str) and found in {"failure", "error", "timed_out"}:
                    return found
    return None


def parsed(body: str) -> Detail:
    """
    The object in a message's body.
    """
    found: Detail = json.loads(body)
    return found


def _at(detail: Mapping[str, Any], path: str) -> Any:
    found: Any = detail
    for key in path.split("."):
        found = cast("Detail", found).get(key) if isinstance(found, dict) else None
    return found


class Figures(NamedTuple):
    """
    What a handler did with events.
    """

    done: int
    passed_over: int
    repeats: int


class Desk:
    """
    A handler of a queue's messages that does its work once for each event, and passes over kinds it is not for.

    >>> put = []
    >>> desk = Desk(lambda kind: kind == "star", lambda entry: put.append(entry["id"]))
    >>> star = {"body": '{"id": "7", "detail-type": "star", "detail": {}}'}
    >>> push = {"body": '{"id": "8", "detail-type": "push", "detail": {}}'}
    >>> desk({"Records": [star, push, star]}, None)
    >>> put, desk.figures
    (['7'], Figures(done=1, passed_over=1, repeats=1))

    Args:
        takes: Whether it is for a kind.
        work: What it does with an event, in the form of an entry: id, source, detail-type and detail.
    """

    def __init__(self, takes: Callable[[str], bool], work: Callable[[Detail], object]) -> None:
        self._takes = takes
        self._work = work
        self._lock = threading.Lock()
        self._seen: dict[str, bool] = {}
        """By id, whether it was for it."""
        self._repeats = 0

    def __call__(self, event: dict[str, Any], context: Context | None) -> None:  # noqa: ARG002 - Lambda's signature
        """
        A handler in the shape of Lambda's.
        """
        for record in event["Records"]:
            entry = json.loads(record["body"])
            takes = self._takes(entry["detail-type"])
            with self._lock:
                if entry["id"] in self._seen:
                    self._repeats += 1
                    continue
            if takes:
                # Noted afterwards: what failed is to be done again. Two at a time may both do it; the far end can tell.
                self._work(entry)
            with self._lock:
                self._seen[entry["id"]] = takes

    @property
    def figures(self) -> Figures:
        """
        What it did.
        """
        with self._lock:
            done = sum(self._seen.values())
            return Figures(done, len(self._seen) - done, self._repeats)


def validate(entry: Detail) -> Detail:
    """
    Checks an event about a build: what it must have and lacks.

    >>> validate({"id": "7", "detail-type": "push", "detail": {"ref": "refs/heads/main"}})["lacks"]
    ['after', 'repository.full_name']
    """
    detail, kind = entry["detail"], entry["detail-type"]
    lacks = [path for path in (*REQUIRED.get(kind, ()), "repository.full_name") if _at(detail, path) in {None, ""}]
    return {"id": entry["id"], "repository": partition_key(detail), "kind": kind, "valid": not lacks, "lacks": lacks}


def enrich(entry: Detail) -> Detail:
    """
    Says of a review who did what, where.

    >>> event = {"action": "opened", "issue": {"title": "Tea is cold"}, "sender": {"login": "octocat"}}
    >>> enrich({"id": "7", "detail-type": "issues", "detail": event})["actor"]
    'octocat'
    """
    detail = entry["detail"]
    return {
        "id": entry["id"],
        "repository": partition_key(detail),
        "kind": entry["detail-type"],
        "actor": actor_of(detail),
        "title": title_of(detail),
    }


def compose(entry: Detail) -> Detail:
    """
    Composes a line of mail.

    >>> event = {"action": "opened", "issue": {"title": "Tea is cold"}, "sender": {"login": "octocat"}}
    >>> compose({"id": "7", "detail-type": "issues", "detail": event})["line"]
    '[(none)] octocat: issues opened: Tea is cold'
    """
    detail = entry["detail"]
    action = detail.get("action")
    what = f"{entry['detail-type']} {action}" if isinstance(action, str) else entry["detail-type"]
    repository = partition_key(detail)
    line = f"[{repository}] {actor_of(detail)}: {what}: {title_of(detail)}"
    return {"id": entry["id"], "repository": repository, "kind": entry["detail-type"], "line": line}


def record(entry: Detail) -> Detail:
    """
    What the auditor says of any event; ``attention`` is there only if somebody should look.

    >>> record({"id": "7", "detail-type": "star", "detail": {}})
    {'id': '7', 'repository': '(none)', 'kind': 'star', 'actor': 'somebody', 'title': '(no title)'}
    """
    detail, found = entry["detail"], enrich(entry)
    attention = attention_of(detail)
    return found if attention is None else {**found, "attention": attention}


def partition_key(detail: Detail) -> str:
    """
    The repository, as far as a partition key may be long.
    """
    return repository_of(detail)[:PARTITION_KEY_MAX_CHARS]


class Auditor(Desk):
    """
    Puts every event on the bus; cannot read one kind until it is mended.

    >>> put = []
    >>> auditor = Auditor(lambda **event: put.append(event["detail_type"]), poison="star")
    >>> star = {"body": '{"id": "7", "detail-type": "star", "detail": {}}'}
    >>> auditor({"Records": [star]}, None)
    Traceback (most recent call last):
        ...
    ValueError: cannot read 'star' events
    >>> auditor.mend()
    >>> auditor({"Records": [star]}, None)
    >>> put, auditor.repositories
    (['star'], Counter({'(none)': 1}))

    Args:
        put: Puts an event on the bus.
        poison: The kind it cannot read.
    """

    def __init__(self, put: Put, poison: str | None) -> None:
        super().__init__(lambda _: True, self._audit)
        self._put = put
        self._poison = poison
        self.repositories: Counter[str] = Counter()
        """Events by repository."""

    def _audit(self, entry: Detail) -> None:
        kind = entry["detail-type"]
        if kind == self._poison:
            raise ValueError(f"cannot read {self._poison!r} events")
        if not entry["id"] or not kind:
            raise ValueError("an event has no id, or no kind")
        self._put(source="github", detail_type=kind[:DETAIL_TYPE_MAX_CHARS], detail=record(entry))
        with self._lock:
            self.repositories[repository_of(entry["detail"])] += 1

    def mend(self) -> None:
        """
        From now on it can read all kinds.
        """
        self._poison = None


def desk(put: Put, takes: Callable[[str], bool], detail_type: str, make: Callable[[Detail], Detail]) -> Desk:
    """
    A handler that puts what it makes of an event on the bus.
    """
    return Desk(takes, lambda entry: put(source="demo", detail_type=detail_type, detail=make(entry)))


class Reader:
    """
    The far end of the stream: counts each event once, by its id, shard by shard and in order.

    >>> data = base64.b64encode(b'{"detail": {"id": "7", "kind": "star", "repository": "a/b"}}').decode()
    >>> kinesis = {"data": data, "partitionKey": "a/b", "sequenceNumber": "1"}
    >>> one = {"eventID": "shardId-000000000000:1", "kinesis": kinesis}
    >>> reader = Reader(now_us=lambda: 0)
    >>> reader({"Records": [one, one]}, None)
    >>> reader.kinds, reader.repeats
    (Counter({'star': 1}), 1)

    Args:
        now_us: What time it is.
        counted: Is called, with how many it has counted, after each event.
    """

    def __init__(self, now_us: Callable[[], int], counted: Callable[[int], object] | None = None) -> None:
        self._now_us = now_us
        self._tell = counted
        self._lock = threading.Lock()
        self.done_at_us: dict[str, int] = {}
        """When each event was counted, by its id."""
        self.kinds: Counter[str] = Counter()
        self.repositories: Counter[str] = Counter()
        self.shards: dict[str, dict[str, tuple[str, str]]] = {}
        """By shard and sequence number, the event's id and the partition key."""
        self.repeats: int = 0
        """Records of events that were counted already."""

    def __call__(self, event: dict[str, Any], context: Context | None) -> None:  # noqa: ARG002 - Lambda's signature
        """
        A handler in the shape of Lambda's.
        """
        for one in event["Records"]:
            kinesis = one["kinesis"]
            detail = json.loads(base64.b64decode(kinesis["data"]))["detail"]
            shard_id = one["eventID"].partition(":")[0]
            with self._lock:
                self.shards.setdefault(shard_id, {})[kinesis["sequenceNumber"]] = detail["id"], kinesis["partitionKey"]
                if detail["id"] in self.done_at_us:
                    self.repeats += 1
                    continue
                self.done_at_us[detail["id"]] = self._now_us()
                self.kinds[detail["kind"]] += 1
                self.repositories[detail["repository"]] += 1
                done = len(self.done_at_us)
            if self._tell is not None:
                self._tell(done)

    @property
    def records(self) -> int:
        """
        How many different records it was given.
        """
        with self._lock:
            return sum(map(len, self.shards.values()))
