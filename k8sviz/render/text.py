"""A Diagram as text: the same things and relations as in the picture, for eyes, ears and terminals."""

from __future__ import annotations

from typing import Final

from k8sviz.diagrams.model import Diagram, Edge, Level, Node
from k8sviz.render.measure import printable

__all__ = ["MARKS", "text"]

MARKS: Final[dict[Level, str]] = {
    "": "", "ok": "✓", "wait": "…", "bad": "✗", "ending": "×", "off": "–", "unknown": "?",
}  # fmt: skip


def text(diagram: Diagram) -> str:
    """The Diagram as an indented outline: each node below what leads to it, each relation named once.

    A node that was already described is only named again, with an arrow up.
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
    shown_groups: set[str] = set()

    def put(node: Node, depth: int, how: str) -> None:
        again = node.id in seen
        lines.append("  " * depth + how + (f"{_name(node)} ↑" if again else _words(node)))
        if again:
            return
        seen.add(node.id)
        for edge in after.get(node.id, ()):
            put(known[edge.target], min(depth + 1, 24), _arrow(edge))

    def start(nodes: list[Node]) -> None:
        for node in nodes:
            if node.id not in seen:
                depth = _frames(diagram, node.group, lines, shown_groups)
                put(node, depth, "")

    start([n for n in diagram.nodes if n.id not in entered])
    start(list(diagram.nodes))  # what only circles lead to
    lines += [f"note: {printable(n)}" for n in diagram.notes]
    return "\n".join(lines)


def _frames(diagram: Diagram, group_id: str, lines: list[str], shown: set[str]) -> int:
    """Open the frames around a node that are not open yet; the depth inside them."""
    groups = {g.id: g for g in diagram.groups}
    way = []
    while group_id in groups and len(way) < 8:
        way.append(groups[group_id])
        group_id = way[-1].parent
    for depth, group in enumerate(reversed(way)):
        if group.id not in shown:
            shown.add(group.id)
            state = f"  {MARKS[group.level]} {printable(group.state)}" if group.state else ""
            count = f" × {group.count}" if group.count > 1 else ""
            facts = f" · {printable(' · '.join(group.facts))}" if group.facts else ""
            lines.append("  " * depth + f"[{printable(group.kind)} {printable(group.name)}{count}]{facts}{state}")
    return len(way)


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
