"""A Diagram as Mermaid, for places that draw it themselves: GitHub's Markdown, wikis, slides."""

from __future__ import annotations

import re
from typing import Final

from k8sviz.diagrams.kit.model import Diagram, Group, Node
from k8sviz.letters import printable
from k8sviz.render.cards import card, group_state, headline, whole, whole_label, whole_title
from k8sviz.render.palette import LIGHT, family
from k8sviz.render.text import MARKS

__all__ = ["mermaid"]

# Mermaid reads #35; as a character's number, and nothing else of its language inside quotes
_PLAIN: Final = frozenset(" .,:/()-_+=*·…×→↑✓✗–?%@'~^")
_DOLLARS: Final = re.compile(r"\$(?=\$)")


def _esc(text: str) -> str:
    text = _DOLLARS.sub("$ ", text)  # two of them begin a formula, even written as numbers
    written = "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in printable(text))
    # Mermaid takes the semicolon from numbers that stand behind these words
    return written.replace("style", "#115;tyle").replace("classDef", "#99;lassDef")


def mermaid(diagram: Diagram) -> str:
    """Mermaid flowchart text; every letter that Mermaid or HTML could read as markup is written as a number."""
    names = {node.id: f"n{i}" for i, node in enumerate(diagram.nodes)}
    numbers = {group.id: i for i, group in enumerate(diagram.groups)}
    lines = [f"flowchart {diagram.direction}", f"  accTitle: {_title(diagram.title)}"]
    inside: dict[str, list[Group]] = {}
    for group in diagram.groups:
        inside.setdefault(group.parent if group.parent in numbers else "", []).append(group)
    members: dict[str, list[Node]] = {}
    for node in diagram.nodes:
        members.setdefault(node.group if node.group in numbers else "", []).append(node)

    def put(group_id: str, depth: int) -> None:
        pad = "  " * (depth + 1)
        lines.extend(f"{pad}{names[node.id]}{_box(node)}:::{family(node.kind)}" for node in members.get(group_id, ()))
        for group in inside.get(group_id, ()):
            lines.append(f'{pad}subgraph g{numbers[group.id]}["{_frame(group)}"]')
            put(group.id, depth + 1)
            lines.append(f"{pad}end")

    put("", 0)
    for edge in diagram.edges:
        if edge.source in names and edge.target in names:
            arrow = "-.->" if edge.level in ("unknown", "bad", "ending", "off") else "-->"
            label = f'|"{"<br/>".join(_esc(line) for line in whole_label(edge.label))}"|' if edge.label else ""
            lines.append(f"  {names[edge.source]} {arrow}{label} {names[edge.target]}")
    lines.extend(
        f"  classDef {name} fill:{LIGHT.card},stroke:{LIGHT.families[name]},color:{LIGHT.text}"
        for name in sorted({family(node.kind) for node in diagram.nodes})
    )
    return "\n".join(lines)


def _title(text: str) -> str:
    return " ".join("".join(c if c.isalnum() or c in " .,/()-_" else " " for c in headline(text)).split())


def _box(node: Node) -> str:
    it = card(node)
    state = [f"{MARKS[node.level]} {it.state}".strip()] if it.state else []
    return f'["{"<br/>".join(_esc(line) for line in (*whole(node), *state))}"]'


def _frame(group: Group) -> str:
    return _esc(whole_title(group) + (f" {MARKS[group.level]} {group_state(group)}" if group.state else ""))
