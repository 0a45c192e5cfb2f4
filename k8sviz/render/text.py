"""A Diagram as text: the same things and relations as in the picture, for eyes, ears and terminals."""

from __future__ import annotations

from itertools import takewhile
from typing import Final

from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Level, Node
from k8sviz.letters import printable

__all__ = ["MARKS", "text"]

MARKS: Final[dict[Level, str]] = {"": "", "ok": "✓", "wait": "…", "bad": "✗", "ending": "×", "off": "–", "unknown": "?"}
_DEEPEST: Final = 24  # levels of indentation


def text(diagram: Diagram) -> str:
    """The Diagram as an indented outline: each node below what leads to it, each relation named once.

    A node that was already described is only named again, with an arrow up. A frame stands above the nodes that
    nothing leads to; one whose nodes are all led to from elsewhere comes last, with their names.
    """
    after: dict[str, list[Edge]] = {}
    known = {n.id: n for n in diagram.nodes}
    entered = set()
    for edge in diagram.edges:
        if edge.source in known and edge.target in known:
            after.setdefault(edge.source, []).append(edge)
            entered.add(edge.target)
    lines = [printable(diagram.title)] if diagram.title else []
    seen: set[str] = set()
    frames = _Frames(diagram)
    for node in (*(n for n in diagram.nodes if n.id not in entered), *diagram.nodes):  # last: what only circles lead to
        if node.id not in seen:
            depth = frames.open(node.group, lines)
            _outline(node, depth, known, after, seen, lines)
    frames.close(lines)
    lines += [f"note: {printable(n)}" for n in diagram.notes]
    return "\n".join(lines)


def _outline(
    first: Node, depth: int, known: dict[str, Node], after: dict[str, list[Edge]], seen: set[str], lines: list[str]
) -> None:
    """A node and all that it leads to; no recursion, since a chain may be longer than Python's stack."""
    todo = [(first, depth, "")]
    while todo:
        node, depth, how = todo.pop()
        again = node.id in seen
        lines.append("  " * depth + how + (f"{_name(node)} ↑" if again else _words(node)))
        if not again:
            seen.add(node.id)
            below = min(depth + 1, _DEEPEST)
            todo += [(known[e.target], below, _arrow(e)) for e in reversed(after.get(node.id, ()))]


class _Frames:
    """The frames of a Diagram, each described once, above the first node that stands in it."""

    def __init__(self, diagram: Diagram) -> None:
        self._groups = {g.id: g for g in diagram.groups}
        self._members: dict[str, list[Node]] = {}
        for node in diagram.nodes:
            self._members.setdefault(node.group, []).append(node)
        self._shown: set[str] = set()
        self._now: list[str] = []

    def open(self, group_id: str, lines: list[str]) -> int:
        """Name the frames around a node, where they are not the last that were named; the depth inside them."""
        way: list[str] = []
        while group_id in self._groups and group_id not in way:
            way.insert(0, group_id)
            group_id = self._groups[group_id].parent
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(way, self._now, strict=False)))
        self._now = way
        for depth, frame in enumerate(way[same:], same):
            again = frame in self._shown
            self._shown.add(frame)
            words = f"[{_frame_name(self._groups[frame])}] ↑" if again else _frame(self._groups[frame])
            lines.append("  " * min(depth, _DEEPEST) + words)
        return min(len(way), _DEEPEST)

    def close(self, lines: list[str]) -> None:
        """Name the frames that no node opened: those without nodes, and those reached only from elsewhere."""
        for group in self._groups.values():
            if group.id not in self._shown:
                depth = self.open(group.id, lines)
                lines += ["  " * depth + f"{_name(node)} ↑" for node in self._members.get(group.id, ())]


def _frame(group: Group) -> str:
    state = f"  {MARKS[group.level]} {printable(group.state)}" if group.state else ""
    count = f" × {group.count}" if group.count > 1 else ""
    facts = f" · {printable(' · '.join(group.facts))}" if group.facts else ""
    return f"[{_frame_name(group)}{count}]{facts}{state}"


def _frame_name(group: Group) -> str:
    return f"{printable(group.kind)} {printable(group.name)}".strip()


def _name(node: Node) -> str:
    return f"{printable(node.kind)} {printable(node.name)}"


def _words(node: Node) -> str:
    parts = [_name(node) + (f" × {node.count}" if node.count > 1 else "")]
    if node.state:
        parts.append(f"{MARKS[node.level]} {printable(node.state)}".strip())
    parts += [printable(f) for f in node.facts]
    return " · ".join(parts)


def _arrow(edge: Edge) -> str:
    mark = f" {MARKS[edge.level]}" if edge.level and MARKS[edge.level] else ""
    label = printable(edge.label) or edge.relation
    return f"└─ {label}{mark} → "
