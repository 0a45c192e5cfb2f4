"""A Diagram as DOT, built with the graphviz package, which quotes and escapes what it is given."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import graphviz

from k8sviz.diagrams.model import Diagram, Edge, Group, Node
from k8sviz.render.cards import FACT, LABEL, card, group_state, group_title, headline, label_lines, label_size
from k8sviz.render.measure import text_width
from k8sviz.render.palette import LIGHT, family

__all__ = ["dot", "layout_dot"]

_FONT = "Helvetica,Arial,DejaVu Sans,Noto Sans CJK SC,sans-serif"
_MARKS = {"ok": "●", "wait": "◔", "bad": "▲", "ending": "■", "off": "—", "unknown": "?"}
_FEW = 6
_WIDEST = 8
_STYLES = {"unknown": "rounded,filled,dashed", "off": "rounded,filled,dashed", "ending": "rounded,filled,dashed"}


def dot(diagram: Diagram) -> str:
    """DOT that any Graphviz draws by itself: kind, name, facts and state in each node."""
    graph = _graph(diagram)
    graph.attr(label=graphviz.escape(_caption(diagram)), labelloc="t", labeljust="l", fontname=_FONT, fontsize="13")
    graph.attr("node", shape="box", style="rounded,filled", fillcolor=LIGHT.card, fontname=_FONT, fontsize="11")
    graph.attr("edge", color=LIGHT.line, fontcolor=LIGHT.soft, fontname=_FONT, fontsize="10", arrowsize="0.7")
    _fill(graph, diagram, _node_words, _edge_words, _frame_words)
    return str(graph.source)


def layout_dot(diagram: Diagram) -> str:
    """The same graph with boxes of known size in place of words: what the layout needs, and no font."""
    graph = _graph(diagram)
    graph.attr("node", shape="box", fixedsize="true", label="")
    _fill(graph, diagram, _node_box, _edge_box, _frame_box)
    return str(graph.source)


def _caption(diagram: Diagram) -> str:
    return "\n".join(headline(line) for line in (diagram.title, *diagram.notes))


def _graph(diagram: Diagram) -> graphviz.Digraph:
    graph = graphviz.Digraph("k8sviz")
    graph.attr(rankdir=diagram.direction, nodesep="0.25", ranksep="0.35", compound="true", bgcolor=LIGHT.page)
    return graph


def _node_words(node: Node) -> dict[str, str]:
    it = card(node)
    state = [f"{_MARKS.get(node.level, '')} {it.state}".strip()] if it.state else []
    text = graphviz.escape("\n".join((it.kind, it.name, *it.facts, *state)))
    color = LIGHT.levels["bad"] if node.level == "bad" else LIGHT.families[family(node.kind)]
    return {"label": text, "color": color, "style": _STYLES.get(node.level, "rounded,filled"),
            "width": f"{it.width / 72:.3f}", "tooltip": text}  # fmt: skip


def _node_box(node: Node) -> dict[str, str]:
    it = card(node)
    return {"width": f"{it.width / 72:.4f}", "height": f"{it.height / 72:.4f}"}


def _edge_words(edge: Edge) -> dict[str, str]:
    words = {"label": graphviz.escape("\n".join(label_lines(edge.label)))} if edge.label else {}
    if edge.level in ("unknown", "bad", "ending", "off"):
        words |= {"style": "dashed", "color": LIGHT.levels[edge.level]}
    return words


def _edge_box(edge: Edge) -> dict[str, str]:
    return {"label": _blank(*label_size(edge.label))} if edge.label else {}


def _frame_words(group: Group) -> str:
    state = group_state(group)
    return str(graphviz.escape(group_title(group) + (f" ({state})" if state else "")))


def _frame_box(group: Group) -> str:
    state = text_width(group_state(group), FACT, bold=True) + 24 if group.state else 0
    return _blank(text_width(group_title(group), LABEL, bold=True) + state + 12, 16)


def _blank(width: float, height: float) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}"'
    return f'<<table border="0" fixedsize="true" {size}><tr><td></td></tr></table>>'


def _fill(
    graph: graphviz.Digraph,
    diagram: Diagram,
    node_attrs: Callable[[Node], dict[str, str]],
    edge_attrs: Callable[[Edge], dict[str, str]],
    frame_label: Callable[[Group], str],
) -> None:
    numbers = {group.id: i for i, group in enumerate(diagram.groups)}
    names = {node.id: f"n{i}" for i, node in enumerate(diagram.nodes)}
    inside: dict[str, list[Group]] = {}
    for group in diagram.groups:
        inside.setdefault(group.parent if group.parent in numbers else "", []).append(group)
    members: dict[str, list[Node]] = {}
    for node in diagram.nodes:
        members.setdefault(node.group if node.group in numbers else "", []).append(node)

    tied = {end for edge in diagram.edges for end in (edge.source, edge.target)}

    def put(parent: graphviz.Digraph, group_id: str) -> None:
        rows = _rows([node for node in members.get(group_id, ()) if node.id not in tied])
        for node in (*(n for n in members.get(group_id, ()) if n.id in tied), *(n for row in rows for n in row)):
            parent.node(names[node.id], **node_attrs(node))
        for row in rows:
            for left, right in pairwise(row):
                parent.edge(names[left.id], names[right.id], style="invis")
        for group in inside.get(group_id, ()):
            with parent.subgraph(name=f"cluster_{numbers[group.id]}") as frame:
                frame.attr(label=frame_label(group), labeljust="l", style="rounded", color=LIGHT.frame, margin="12")
                put(frame, group.id)
                if group.id not in members and group.id not in inside:  # Graphviz draws no frame around nothing
                    frame.node(f"e{numbers[group.id]}", label="", style="invis", width="1", height="0.1")

    put(graph, "")
    for edge in diagram.edges:
        if edge.source in names and edge.target in names:
            graph.edge(names[edge.source], names[edge.target], **edge_attrs(edge))


def _rows(nodes: list[Node]) -> list[list[Node]]:
    """Many things that nothing ties to anything, as rows of a square; a few stay one above the other."""
    if len(nodes) <= _FEW:
        return [[node] for node in nodes]
    width = min(_WIDEST, math.ceil(math.sqrt(len(nodes))))
    rows = [nodes[i : i + width] for i in range(0, len(nodes), width)]
    return rows[::-1]  # Graphviz begins at the bottom
