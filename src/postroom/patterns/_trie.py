"""
The paths that rules look at, as a trie that is walked beside an event.

One walk fetches what an event has at all of them; fields that are on no path cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from postroom.patterns._fetch import MISSING, PLAIN, Many, Path, fetch

STEPS_MAX: Final = 6
"""Keys of a path in a trie, whose nodes know the paths below them by their joined names, too. Longer ones are fetched."""

Memory: TypeAlias = dict[Path, Any]
"""What was fetched of an event."""


class TrieNode:
    """
    What rows look at below one key of an event.

    Others walk while one changes it: they look single keys up in `below`, and go through `steps`, which is replaced whole.
    """

    __slots__ = ("below", "dotted", "path", "steps", "users", "version")

    def __init__(self) -> None:
        self.path: Path | None = None
        """The path that ends here, if somebody looks at it."""
        self.users: int = 0
        """How many do."""
        self.version: int = 0
        """Of the trie, at its root: how often paths came and went. What was fetched before does not hold for later ones."""
        self.below: dict[str, TrieNode] = {}
        self.steps: tuple[tuple[str, TrieNode], ...] = ()
        """The same."""
        self.dotted: frozenset[str] = frozenset()
        """Keys with dots that would be other ways to what is below."""

    def use(self, path: Path) -> None:
        """
        Has walks from here, the root, look at a path; `leave` takes that back.
        """
        self.version += 1
        # What is in `below` is complete: it comes there last, and goes first, for Ctrl-C may come between.
        nodes: list[TrieNode] = [self]
        for at, step in enumerate(path.steps):
            parent = nodes[-1]
            node = parent.below.get(step)
            if node is None:
                node = TrieNode()
                for up in range(at):
                    nodes[up].dotted |= {".".join(path.steps[up : at + 1])}
                parent.steps = (*parent.steps, (step, node))
                parent.below[step] = node
            nodes.append(node)
        nodes[-1].users += 1
        nodes[-1].path = path

    def leave(self, path: Path) -> None:
        """
        One less looks at a path; what is then of no use is taken away.
        """
        self.version += 1
        steps = path.steps
        nodes: list[TrieNode] = [self]
        for step in steps:
            nodes.append(nodes[-1].below[step])
        last = nodes[-1]
        last.users -= 1
        if last.users > 0:
            return
        last.path = None
        for at in range(len(steps) - 1, -1, -1):
            node, parent = nodes[at + 1], nodes[at]
            if node.path is not None or node.below:
                return
            del parent.below[steps[at]]
            parent.steps = tuple(entry for entry in parent.steps if entry[1] is not node)
            for up in range(at):
                nodes[up].dotted -= {".".join(steps[up : at + 1])}

    def walk(self, inside: dict[str, Any], event: dict[str, Any], memory: Memory) -> None:
        """
        Fetches what is there.

        Args:
            inside: The object of the event that belongs to this node.
            event: All of it.
            memory: Gets what is at each path that has a value.

        Raises:
            InvalidInput: A value at one of the paths is nothing that JSON has.
            EventTooComplex: The event is nested too deep there.
        """
        if len(inside) < len(self.steps):
            below = self.below
            for key, value in inside.items():
                node = below.get(key)
                if node is not None:
                    if value.__class__ is not str:
                        node._take(value, event, memory)
                    elif node.path is not None:
                        memory[node.path] = value
        else:
            for key, node in self.steps:
                if key in inside:
                    value = inside[key]
                    if value.__class__ is not str:
                        node._take(value, event, memory)
                    elif node.path is not None:
                        memory[node.path] = value
        if self.dotted and not inside.keys().isdisjoint(self.dotted):
            self._fetch(event, memory)

    def _take(self, value: Any, event: dict[str, Any], memory: Memory) -> None:
        cls = value.__class__
        if cls is dict:
            if self.steps:
                self.walk(value, event, memory)
        elif cls in PLAIN:
            if self.path is not None:
                memory[self.path] = value
        elif cls is list and not self.steps and PLAIN.issuperset(map(type, value)):
            if value and self.path is not None:
                memory[self.path] = Many(value, None, has_elements=False)
        else:
            self._fetch(event, memory)

    def _fetch(self, event: dict[str, Any], memory: Memory) -> None:
        """
        The longer way, for arrays and keys with dots: path by path.
        """
        for path in self._all():
            value = fetch(event, path)
            if value is not MISSING:
                memory[path] = value
            else:
                memory.pop(path, None)

    def _all(self) -> Iterator[Path]:
        waiting: list[TrieNode] = [self]
        while waiting:
            node = waiting.pop()
            if node.path is not None:
                yield node.path
            waiting += [below for _, below in node.steps]
