"""
The wiring of a region: in an order for readers, as text, as a picture, as data.
"""

from __future__ import annotations

import json
import pickle

from postroom import ManualClock, Region
from postroom.observe import Wire
from postroom.region import Topology

FLOW = (
    Wire("queue work", "function clerk", "batches of 1"),
    Wire("queue work", "queue dead", "after 3", "dead letters"),
    Wire("topic news", "queue work", "raw"),
)


def test_senders_stand_before_receivers() -> None:
    wires = Topology.of(["queue dead", "queue work", "topic news"], FLOW).wires

    assert [(wire.source, wire.target) for wire in wires] == [
        ("topic news", "queue work"),
        ("queue work", "function clerk"),
        ("queue work", "queue dead"),
    ]


def test_what_only_a_wire_knows_is_a_node_too() -> None:
    assert Topology.of(["topic news"], FLOW).nodes == ("topic news", "queue work", "function clerk", "queue dead")


def test_a_circle_ends() -> None:
    circle = Topology.of([], [Wire("bus a", "bus b"), Wire("bus b", "bus a"), Wire("bus b", "bus b")])

    assert len(circle.wires) == 3


def test_a_resource_that_no_wire_touches_stands_alone() -> None:
    assert str(Topology.of(["queue alone", "topic news"], [Wire("topic news", "queue work")])).splitlines() == [
        "topic news -> queue work",
        "queue alone",
    ]


def test_an_empty_region_has_nothing() -> None:
    assert str(Region(clock=ManualClock()).topology()) == "nothing"


def test_dead_letters_go_along_dotted_arrows() -> None:
    mermaid = Topology.of([], FLOW).mermaid().splitlines()

    assert mermaid[0] == "flowchart LR"
    assert sum("-.->" in line for line in mermaid) == 1
    assert sum("-->" in line for line in mermaid) == 2


def test_labels_cannot_break_the_picture() -> None:
    mermaid = Topology.of([], [Wire("topic a", "queue b", 'say "hi" | there')]).mermaid()

    assert "|say #quot;hi#quot; #124; there|" in mermaid


def test_it_is_plain_data() -> None:
    topology = Topology.of(["topic news"], FLOW)

    assert pickle.loads(pickle.dumps(topology)) == topology
    assert json.loads(json.dumps(topology.to_dict()))["wires"][0] == {
        "source": "topic news",
        "target": "queue work",
        "label": "raw",
        "kind": "flow",
    }


def test_a_region_shows_dead_letter_queues_and_event_sources() -> None:
    region = Region(clock=ManualClock())
    dead = region.queue("dead")
    work = region.queue("work", dead_letter_queue=dead, max_receive_count=3)
    function = region.function(lambda event, context: None, name="clerk")
    function.add_event_source(work, batch_size=1)

    assert str(region.topology()).splitlines() == [
        "queue work => queue dead (after 3)",
        "queue work -> function clerk (batches of 1)",
    ]
