"""
The resources of a region that came after queues and functions: topics, buses, streams, delivery streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never, TypeVar

from postroom.bus import EventBus
from postroom.clock import to_us
from postroom.errors import FirehoseResourceInUse, FirehoseResourceNotFound, KinesisResourceInUse
from postroom.firehose import DeliveryStream
from postroom.limits import SECOND_US, STREAM_RETENTION_MIN_US
from postroom.region._frame import RegionFrame
from postroom.stream import Stream
from postroom.topic import Topic

if TYPE_CHECKING:
    import os

    from postroom.clock import Duration
    from postroom.firehose import ObjectStore
    from postroom.region._frame import AnyResource

R = TypeVar("R", bound="AnyResource")


class Makers(RegionFrame):
    """
    Not for users: see `Region`.
    """

    def topic(self, name: str, **_not_there: Never) -> Topic:
        """
        The topic of that name: made now, or the one that is there (SNS 1.2).

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> region.topic("news") is region.topic("news")
        True

        Args:
            name: 1 to 256 letters, digits, hyphens or underscores.

        Raises:
            InvalidParameter: The name is not acceptable.
            InvalidInput: Something is given that is the region's: its clock, seed or faults.
            ResourceClosed: The region is closed.
        """
        self._refuse_given("topic", _not_there)
        if not _not_there:
            there = self._there(Topic, "sns", name)
            if there is not None:
                return there
        return self._keep(Topic(name, home=self, faults=self._faults, **_not_there))

    def event_bus(self, name: str = "default", **_not_there: Never) -> EventBus:
        """
        The event bus of that name: made now, or the one that is there.

        CreateEventBus refuses a name that is taken (EB 2); here the same call makes and finds, as for every other kind.

        >>> from postroom import ManualClock, Region
        >>> Region(clock=ManualClock()).event_bus().arn
        'arn:aws:events:us-east-1:123456789012:event-bus/default'

        Args:
            name: 1 to 256 letters, digits, dots, hyphens or underscores.

        Raises:
            EventsValidationError: The name is not acceptable.
            InvalidInput: Something is given that is the region's: its clock, seed or faults.
            ResourceClosed: The region is closed.
        """
        self._refuse_given("event_bus", _not_there)
        if not _not_there:
            there = self._there(EventBus, "events", f"event-bus/{name}")
            if there is not None:
                return there
        return self._keep(EventBus(name, home=self, faults=self._faults, **_not_there))

    def stream(
        self,
        name: str,
        *,
        shard_count: int | None = None,
        retention: Duration | None = None,
        **_not_there: Never,
    ) -> Stream:
        """
        The stream of that name: made now, or the one that is there.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> clicks = region.stream("clicks", shard_count=2)
        >>> region.stream("clicks") is clicks, clicks.shard_count
        (True, 2)

        Args:
            name: 1 to 128 letters, digits, dots, hyphens or underscores.
            shard_count: As for `Stream`; None: four, on demand, or whatever the one has that is there.
            retention: Seconds, 86400 (a day) to 31536000 (365 days); None: a day, or what the one has that is there.

        Raises:
            KinesisResourceInUse: It is there, and something given differs.
            KinesisValidationError: The name or the number of shards is not acceptable.
            KinesisInvalidArgument: The retention is not acceptable.
            InvalidInput: Something is given that is the region's: its clock, seed or faults.
            ResourceClosed: The region is closed.
        """
        self._refuse_given("stream", _not_there)
        there = None if _not_there else self._there(Stream, "kinesis", f"stream/{name}")
        if there is None:
            return self._keep(
                Stream(
                    name,
                    shard_count=shard_count,
                    retention=STREAM_RETENTION_MIN_US // SECOND_US if retention is None else retention,
                    home=self,
                    faults=self._faults,
                    **_not_there,
                )
            )
        differs = (shard_count is not None and shard_count != there.shard_count) or (
            retention is not None and to_us(retention, "retention") != round(there.retention * SECOND_US)
        )
        if differs:
            raise KinesisResourceInUse(
                f"Stream {name} under account {self.account} already exists.",
                help=f"It has shard_count={there.shard_count} and retention={there.retention:g}; leave both out to find it.",
                operation="stream",
                resource=name,
            )
        return there

    def delivery_stream(
        self,
        name: str,
        store: ObjectStore | str | os.PathLike[str] | None = None,
        *,
        source: Stream | None = None,
        starting_position: Literal["LATEST", "TRIM_HORIZON"] = "LATEST",
        prefix: str = "",
        buffering_size: int = 5,
        buffering_interval: Duration = 300,
        append_delimiter: bool = False,
        compression_format: Literal["UNCOMPRESSED", "GZIP"] = "UNCOMPRESSED",
        file_extension: str = "",
        **_not_there: Never,
    ) -> DeliveryStream:
        """
        The delivery stream of that name: made now if a store is given, or the one that is there.

        >>> from postroom import ManualClock, Region
        >>> from postroom.firehose import MemoryStore
        >>> region = Region(clock=ManualClock())
        >>> archive = region.delivery_stream("archive", MemoryStore(), prefix="orders/")
        >>> region.delivery_stream("archive") is archive
        True

        Args:
            name: 1 to 64 letters, digits, dots, hyphens or underscores.
            store: Where objects go, as for `DeliveryStream`; None: find the one that is there.
            source: The stream it reads.
            starting_position: Where it begins to read the source.
            prefix: What object names begin with.
            buffering_size: MiB, 1 to 128.
            buffering_interval: Seconds, 0 to 900.
            append_delimiter: Whether a line feed comes after each record.
            compression_format: ``UNCOMPRESSED`` or ``GZIP``.
            file_extension: What object names end in, such as ``.json``; empty: ``.gz`` or nothing, as the format is.

        Raises:
            FirehoseResourceInUse: It is there, and a store was given.
            FirehoseResourceNotFound: It is not there, and no store was given.
            FirehoseInvalidArgument: An argument is not acceptable.
            InvalidInput: Something is given that is the region's: its clock, seed or faults.
            ResourceClosed: The region is closed.
        """
        self._refuse_given("delivery_stream", _not_there)
        there = self._there(DeliveryStream, "firehose", f"deliverystream/{name}")
        if there is not None and store is None and not _not_there:
            return there
        if there is not None:
            raise FirehoseResourceInUse(
                f"Firehose {name} under accountId {self.account} already exists",
                help="Leave the store out to find it, or give another name.",
                operation="delivery_stream",
                resource=name,
            )
        if store is None:
            raise FirehoseResourceNotFound(
                f"Firehose {name} under account {self.account} not found.",
                help="Give a store to make it: a folder, or MemoryStore().",
                operation="delivery_stream",
                resource=name,
            )
        return self._keep(
            DeliveryStream(
                name,
                store,
                source=source,
                starting_position=starting_position,
                prefix=prefix,
                buffering_size=buffering_size,
                buffering_interval=buffering_interval,
                append_delimiter=append_delimiter,
                compression_format=compression_format,
                file_extension=file_extension,
                home=self,
                faults=self._faults,
                **_not_there,
            )
        )

    def _there(self, kind: type[R], service: str, resource: str) -> R | None:
        if not isinstance(resource, str):
            return None
        return self._find(kind, f"arn:aws:{service}:{self.region_name}:{self.account}:{resource}")
