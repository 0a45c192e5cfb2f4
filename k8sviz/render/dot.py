"""A Diagram as DOT, built with the graphviz package, which quotes and escapes what it is given."""

from __future__ import annotations

from itertools import pairwise

import graphviz

from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Node
from k8sviz.render.boxes import Tree, families
from k8sviz.render.cards import card, group_state, headline, whole, whole_label, whole_title
from k8sviz.render.palette import LIGHT, family

__all__ = ["dot"]

_FONT = "Helvetica,Arial,DejaVu Sans,Noto Sans CJK SC,sans-serif"
_MARKS = {"ok": "●", "wait": "◔", "bad": "▲", "ending": "■", "off": "—", "unknown": "?"}
_STYLES = {"unknown": "rounded,filled,dashed", "off": "rounded,filled,dashed", "ending": "rounded,filled,dashed"}


def dot(diagram: Diagram) -> str:
    """DOT that any Graphviz draws by itself: kind, name, facts and state in each node."""
    graph = _graph(diagram)
    graph.attr(label=graphviz.escape(_caption(diagram)), labelloc="t", labeljust="l", fontname=_FONT, fontsize="13")
    graph.attr("node", shape="box", style="rounded,filled", fillcolor=LIGHT.card, fontname=_FONT, fontsize="11")
    graph.attr("edge", color=LIGHT.line, fontcolor=LIGHT.soft, fontname=_FONT, fontsize="10", arrowsize="0.7")
    _fill(graph, diagram)
    return str(graph.source)


def _caption(diagram: Diagram) -> str:
    return "\n".join(headline(line) for line in (diagram.title, *diagram.notes))


def _graph(diagram: Diagram) -> graphviz.Digraph:
    graph = graphviz.Digraph("k8sviz")
    graph.attr(
        rankdir=diagram.direction, nodesep="0.25", ranksep="0.35", compound="true", newrank="true", bgcolor=LIGHT.page
    )
    return graph


def _node_words(node: Node) -> dict[str, str]:
    it = card(node)
    state = [f"{_MARKS.get(node.level, '')} {it.state}".strip()] if it.state else []
    text = graphviz.escape("\n".join((*whole(node), *state)))
    color = LIGHT.levels["bad"] if node.level == "bad" else LIGHT.families[family(node.kind)]
    return {
        "label": text,
        "color": color,
        "style": _STYLES.get(node.level, "rounded,filled"),
        "width": f"{it.width / 72:.3f}",
        "tooltip": text,
    }


def _edge_words(edge: Edge) -> dict[str, str]:
    words = {"label": graphviz.escape("\n".join(whole_label(edge.label)))} if edge.label else {}
    if edge.level in ("unknown", "bad", "ending", "off"):
        words |= {"style": "dashed", "color": LIGHT.levels[edge.level]}
    return words


def _frame_words(group: Group) -> str:
    state = group_state(group)
    return str(graphviz.escape(whole_title(group) + (f" ({state})" if state else "")))


def _fill(graph: graphviz.Digraph, diagram: Diagram) -> None:
    numbers = {group.id: i for i, group in enumerate(diagram.groups)}
    names = {node.id: f"n{i}" for i, node in enumerate(diagram.nodes)}
    tree = Tree(diagram)

    def put(parent: graphviz.Digraph, group_id: str) -> None:
        for node in tree.tied(group_id):
            parent.node(names[node.id], **_node_words(node))
        for members in families(tree.tied(group_id)):
            with parent.subgraph() as line:  # Pods of one set stand in the order of their numbers
                line.attr(rank="same")
                for left, right in pairwise(members):
                    line.edge(names[left.id], names[right.id], style="invis")
        for row in tree.rows(group_id):
            for node in row:
                parent.node(names[node.id], **_node_words(node))
            for left, right in pairwise(row):
                parent.edge(names[left.id], names[right.id], style="invis")
        for group in tree.inside(group_id):
            with parent.subgraph(name=f"cluster_{numbers[group.id]}") as frame:
                frame.attr(label=_frame_words(group), labeljust="l", style="rounded", color=LIGHT.frame, margin="12")
                put(frame, group.id)
                if tree.is_empty(group.id):  # Graphviz draws no frame around nothing
                    frame.node(f"e{numbers[group.id]}", label="", style="invis", width="1", height="0.1")

    put(graph, "")
    for edge in diagram.edges:
        if edge.source in names and edge.target in names:
            graph.edge(names[edge.source], names[edge.target], **_edge_words(edge))
