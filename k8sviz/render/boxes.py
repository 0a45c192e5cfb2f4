"""A Diagram as boxes of known sizes, in DOT: all that Graphviz needs to find places, and nobody's words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from operator import itemgetter
from typing import Final

from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Node
from k8sviz.render.cards import FACT, LABEL, card, group_state, group_title, label_size
from k8sviz.render.measure import text_width

__all__ = ["Tree", "families", "layout_dot"]

_FEW: Final = 6  # things that nothing ties to anything stay one above the other
_WIDEST: Final = 8


class Tree:
    """What stands in which frame: frames in frames, things with relations, and things without."""

    def __init__(self, diagram: Diagram) -> None:
        known = {group.id for group in diagram.groups}
        self._inside: dict[str, list[Group]] = {}
        for group in diagram.groups:
            self._inside.setdefault(group.parent if group.parent in known else "", []).append(group)
        ends = {end for edge in diagram.edges for end in (edge.source, edge.target)}
        self._tied: dict[str, list[Node]] = {}
        self._loose: dict[str, list[Node]] = {}
        for node in diagram.nodes:
            kind = self._tied if node.id in ends else self._loose
            kind.setdefault(node.group if node.group in known else "", []).append(node)

    def inside(self, group_id: str) -> list[Group]:
        """The frames directly in a frame; '' is the whole picture."""
        return self._inside.get(group_id, [])

    def tied(self, group_id: str) -> list[Node]:
        """What stands directly in a frame and has relations."""
        return self._tied.get(group_id, [])

    def rows(self, group_id: str) -> list[list[Node]]:
        """What stands directly in a frame without relations: few one above the other, many as rows of a square."""
        nodes = self._loose.get(group_id, [])
        if len(nodes) <= _FEW:
            return [[node] for node in nodes]
        width = min(_WIDEST, math.ceil(math.sqrt(len(nodes))))
        rows = [nodes[i : i + width] for i in range(0, len(nodes), width)]
        return rows[::-1]  # Graphviz begins at the bottom

    def is_empty(self, group_id: str) -> bool:
        """Whether a frame has nothing in it."""
        return not any(group_id in part for part in (self._inside, self._tied, self._loose))


def layout_dot(diagram: Diagram) -> str:
    """The graph with n0, n1 … for nodes, cluster_0 … for frames, and sizes for words.

    Written without the graphviz package, which takes a tenth of a start: there is nothing here to be escaped.
    """
    names = {node.id: f"n{i}" for i, node in enumerate(diagram.nodes)}
    # without newrank, words on a line from frame to frame can end the whole process (an assertion in mincross.c)
    lines = [
        f"digraph k8sviz {{rankdir={diagram.direction} nodesep=0.25 ranksep=0.35 compound=true newrank=true",
        'node [shape=box fixedsize=true label=""]',
    ]
    lines += _frame(Tree(diagram), "", names, {group.id: i for i, group in enumerate(diagram.groups)})
    for edge in diagram.edges:
        if edge.source in names and edge.target in names:
            label = f" [label={_edge_label(edge)}]" if edge.label else ""
            lines.append(f"{names[edge.source]} -> {names[edge.target]}{label}")
    return "\n".join([*lines, "}"])


def _frame(tree: Tree, group_id: str, names: dict[str, str], numbers: dict[str, int]) -> Iterator[str]:
    for node in tree.tied(group_id):
        yield _box(node, names)
    for family in families(tree.tied(group_id)):
        members = " -> ".join(names[node.id] for node in family)
        yield f"{{rank=same {members} [style=invis]}}"
    for row in tree.rows(group_id):
        for node in row:
            yield _box(node, names)
        for left, right in pairwise(row):
            yield f"{names[left.id]} -> {names[right.id]} [style=invis]"
    for group in tree.inside(group_id):
        number = numbers[group.id]
        yield f"subgraph cluster_{number} {{label={_frame_label(group)} labeljust=l margin=12"
        yield from _frame(tree, group.id, names, numbers)
        if tree.is_empty(group.id):  # Graphviz draws no frame around nothing
            yield f"e{number} [style=invis width=1 height=0.1]"
        yield "}"


def families(nodes: list[Node]) -> list[list[Node]]:
    """Pods that differ in their number only, as a StatefulSet's do: they stand in its order."""
    found: dict[str, list[tuple[int, Node]]] = {}
    for node in nodes:
        stem, dash, number = node.name.rpartition("-")
        if node.kind == "Pod" and dash and number.isdecimal():
            found.setdefault(stem, []).append((int(number[:9]), node))
    return [[node for _, node in sorted(family, key=itemgetter(0))] for family in found.values() if len(family) > 1]


def _box(node: Node, names: dict[str, str]) -> str:
    it = card(node)
    return f"{names[node.id]} [width={it.width / 72:.4f} height={it.height / 72:.4f}]"


def _edge_label(edge: Edge) -> str:
    return _blank(*label_size(edge.label))


def _frame_label(group: Group) -> str:
    state = text_width(group_state(group), FACT, bold=True) + 24 if group.state else 0
    return _blank(text_width(group_title(group), LABEL, bold=True) + state + 12, 16)


def _blank(width: float, height: float) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}"'
    return f'<<table border="0" fixedsize="true" {size}><tr><td></td></tr></table>>'
