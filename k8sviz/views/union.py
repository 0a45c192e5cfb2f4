"""One Diagram that has room for many: what a story shows at any time, each thing as large as it ever gets.

A player lays this out once; then nothing jumps when a state's word grows or a Pod comes and goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Node
from k8sviz.letters import printable
from k8sviz.render.cards import FACT, KIND, LABEL, NAME, group_title, label_lines
from k8sviz.render.measure import shorten, text_width

__all__ = ["union"]


class _Known(Protocol):
    @property
    def id(self) -> str: ...


_T = TypeVar("_T", bound=_Known)


def union(diagrams: Sequence[Diagram]) -> Diagram:
    """One Diagram with every node, edge and group of these, each with room for all that it ever says.

    Title and direction are the first non-empty Diagram's. Its words are not for reading: lines of several
    versions stand side by side only to be measured.
    """
    first = next((d for d in diagrams if d.nodes), diagrams[0] if diagrams else Diagram("", ""))
    nodes = _versions(d.nodes for d in diagrams)
    edges = _versions(d.edges for d in diagrams)
    groups = _versions(d.groups for d in diagrams)
    return first._replace(
        nodes=tuple(_roomy_node(v) for v in nodes.values()),
        edges=tuple(_roomy_edge(v) for v in edges.values() if v[0].source in nodes and v[0].target in nodes),
        groups=tuple(_roomy_group(v) for v in groups.values()),
        notes=(),
    )


def _versions(rows: Iterable[tuple[_T, ...]]) -> Mapping[str, list[_T]]:
    """Every distinct version of each thing, in an order that keeps neighbours together."""
    found: dict[str, dict[_T, None]] = {}
    order: list[str] = []
    previous: tuple[_T, ...] | None = None
    for row in rows:
        if row is previous or row == previous:
            continue
        previous = row
        before = ""
        for one in row:
            if one.id not in found:
                found[one.id] = {}
                order.insert(order.index(before) + 1 if before else 0, one.id)
            found[one.id][one] = None
            before = one.id
    return {i: list(found[i]) for i in order}


def _widest(texts: Iterable[str], size: float, most: int, *, bold: bool = False) -> str:
    return max(texts, key=lambda text: text_width(shorten(printable(text), most), size, bold=bold), default="")


def _side_by_side(rows: Iterable[Sequence[str]], size: float) -> tuple[str, ...]:
    """As many lines as the longest row has, each the widest of those at its place."""
    kept = list(rows)
    most = max((len(row) for row in kept), default=0)
    return tuple(_widest((row[i] for row in kept if i < len(row)), size, 46) for i in range(most))


def _roomy_node(versions: Sequence[Node]) -> Node:
    states = [n.state for n in versions if n.state]
    return versions[-1]._replace(
        kind=_widest((n.kind for n in versions), KIND, 99, bold=True),
        name=_widest((n.name for n in versions), NAME, 36, bold=True),
        facts=_side_by_side((n.facts for n in versions), FACT),
        state=_widest(states, FACT, 46, bold=True),
        group=next((n.group for n in reversed(versions) if n.group), ""),
        count=max(n.count for n in versions),
    )


def _roomy_edge(versions: Sequence[Edge]) -> Edge:
    lines = _side_by_side((label_lines(e.label) for e in versions if e.label), LABEL)
    return versions[-1]._replace(label="\n".join(lines))


def _roomy_group(versions: Sequence[Group]) -> Group:
    return max(versions, key=_group_width)


def _group_width(group: Group) -> float:
    return text_width(group_title(group), LABEL, bold=True) + (text_width(group.state, FACT, bold=True) + 24) * bool(
        group.state
    )
