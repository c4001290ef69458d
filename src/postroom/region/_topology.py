"""
How the resources of a region are wired: as data, as text, and as a picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroom.observe import Wire

_SHAPES = {
    "queue": ("[(", ")]"),
    "topic": ("([", "])"),
    "bus": ("{{", "}}"),
    "stream": ("[[", "]]"),
    "function": ("[", "]"),
    "delivery stream": ("[/", "/]"),
    "store": ("[(", ")]"),
}


class Topology(NamedTuple):
    """
    The wiring of a region, as `Region.topology` returns it: what there is, and what flows from where to where.

    It shows what was set up: subscriptions, targets of rules, event sources, dead letters. What a handler sends by
    itself is in its code, where nobody can look; a recorder's story shows it.

    >>> from postroom import ManualClock, Region
    >>> region = Region(clock=ManualClock())
    >>> dead = region.queue("kitchen-dead")
    >>> kitchen = region.queue("kitchen", dead_letter_queue=dead, max_receive_count=3)
    >>> subscription = region.topic("orders").subscribe(kitchen, raw_message_delivery=True)
    >>> print(region.topology())
    topic orders -> queue kitchen (raw)
    queue kitchen => queue kitchen-dead (after 3)
    """

    nodes: tuple[str, ...]
    """Kind and name of each resource, in the order in which they were made; and of what only wires know."""
    wires: tuple[Wire, ...]
    """What flows from where to where: senders before receivers, where there is no circle."""

    @classmethod
    def of(cls, resources: Iterable[str], wires: Iterable[Wire]) -> Topology:
        """
        A topology of these resources and wires, in an order for readers.

        >>> from postroom.observe import Wire
        >>> Topology.of(["queue a"], [Wire("queue a", "function f"), Wire("topic t", "queue a")]).wires[0].source
        'topic t'
        """
        found = list(wires)
        nodes = dict.fromkeys(resources)
        for wire in found:
            nodes.setdefault(wire.source)
            nodes.setdefault(wire.target)
        depth = _depths(list(nodes), found)
        found.sort(key=lambda wire: depth[wire.source])  # stable: those of one sender stay as they were given
        return cls(tuple(nodes), tuple(found))

    def __str__(self) -> str:
        """
        A line per wire, ``=>`` where dead letters go; then those that no wire touches.
        """
        lines = [
            f"{wire.source} {'=>' if wire.kind == 'dead letters' else '->'} {wire.target}"
            + (f" ({wire.label})" if wire.label else "")
            for wire in self.wires
        ]
        tied = {end for wire in self.wires for end in (wire.source, wire.target)}
        return "\n".join([*lines, *(node for node in self.nodes if node not in tied)]) or "nothing"

    def mermaid(self) -> str:
        """
        The wiring as a Mermaid flowchart, from left to right; dead letters go along dotted arrows.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> subscription = region.topic("orders").subscribe(region.queue("kitchen"))
        >>> print(region.topology().mermaid())
        flowchart LR
            n0(["topic orders"])
            n1[("queue kitchen")]
            n0 -->|enveloped| n1
        """
        number = {node: f"n{place}" for place, node in enumerate(self.nodes)}
        lines = ["flowchart LR"]
        for node in self.nodes:
            kind = next((kind for kind in _SHAPES if node.startswith(f"{kind} ")), "function")
            left, right = _SHAPES[kind]
            lines.append(f'    {number[node]}{left}"{_quoted(node)}"{right}')
        for wire in self.wires:
            arrow = "-.->" if wire.kind == "dead letters" else "-->"
            label = f"|{_quoted(wire.label)}|" if wire.label else ""
            lines.append(f"    {number[wire.source]} {arrow}{label} {number[wire.target]}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> orders = region.queue("orders")
        >>> region.topology().to_dict()
        {'nodes': ['queue orders'], 'wires': []}
        """
        return {"nodes": list(self.nodes), "wires": [wire.to_dict() for wire in self.wires]}


def _depths(nodes: list[str], wires: list[Wire]) -> dict[str, int]:
    """
    How far from a beginning each node is; a circle counts once round.
    """
    depth = dict.fromkeys(nodes, 0)
    for _ in nodes:
        changed = False
        for wire in wires:
            # Bound, as a circle would go on for ever.
            if depth[wire.target] <= depth[wire.source] < len(nodes):
                depth[wire.target] = depth[wire.source] + 1
                changed = True
        if not changed:
            break
    return depth


def _quoted(text: str) -> str:
    return text.translate({ord('"'): "#quot;", ord("|"): "#124;"})
