"""Summing up: above a limit, what is alike is drawn once, with its count."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from os.path import commonprefix

from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Node
from k8sviz.words import say

__all__ = ["stem", "sum_up"]


Naming = Callable[[Sequence[str]], str]


def stem(names: Sequence[str]) -> str:
    """What the names have in common, with a mark for the rest.

    >>> stem(["data-kubia-0", "data-kubia-1"])
    'data-kubia-…'
    """
    if len(set(names)) == 1:
        return names[0]
    common = commonprefix(list(names))  # noqa: RUF071 - letter by letter is what is meant
    return f"{common}…" if common else f"{names[0]} …"


def sum_up(diagram: Diagram, limit: int, name: Naming = stem) -> Diagram:
    """The Diagram as it is when it has at most `limit` nodes, else with alike nodes and frames merged.

    `name` makes one name of many.

    Nodes are alike when kind, state, level, frame and a non-empty `alike` are the same. Counts are exact, and a
    note says what was done. n log n in the number of nodes and edges.
    """
    if len(diagram.nodes) <= limit:
        return diagram
    group_of = {g.id: _group_key(g) for g in diagram.groups}
    groups: dict[Hashable, list[Group]] = {}
    for group in diagram.groups:
        groups.setdefault(group_of[group.id], []).append(group)
    first_group = {key: members[0].id for key, members in groups.items()}
    merged_groups = tuple(_merge_groups(members, first_group, group_of) for members in groups.values())

    nodes: dict[Hashable, list[Node]] = {}
    key_of: dict[str, Hashable] = {}
    for node in diagram.nodes:
        key = (node.kind, node.alike, node.state, node.level, group_of.get(node.group, "")) if node.alike else node.id
        key_of[node.id] = key
        nodes.setdefault(key, []).append(node)
    new_id = {node.id: nodes[key][0].id for node in diagram.nodes for key in (key_of[node.id],)}
    merged = tuple(_merge_nodes(members, first_group, group_of, name) for members in nodes.values())
    edges: dict[tuple[str, str, str, str], Edge] = {}
    for edge in diagram.edges:
        source, target = new_id[edge.source], new_id[edge.target]
        one = (source, edge.relation, target, edge.key)
        if one not in edges:
            edges[one] = edge._replace(source=source, target=target)
    note = say("diagrams.storage.summed", nodes=len(diagram.nodes), cards=len(merged))
    return diagram._replace(
        nodes=merged, edges=tuple(edges.values()), groups=merged_groups, notes=(*diagram.notes, note)
    )


def _group_key(group: Group) -> Hashable:
    return (group.kind, group.alike, group.state, group.level, group.parent) if group.alike else group.id


def _merge_groups(members: Sequence[Group], first: dict[Hashable, str], group_of: dict[str, Hashable]) -> Group:
    one = members[0]
    parent = first[group_of[one.parent]] if one.parent in group_of else ""
    if len(members) == 1:
        return one._replace(parent=parent)
    facts = tuple(f for f in one.facts if all(f in m.facts for m in members))
    return one._replace(name=stem([m.name for m in members]), facts=facts, parent=parent, count=len(members), ref=None)


def _merge_nodes(
    members: Sequence[Node], first: dict[Hashable, str], group_of: dict[str, Hashable], name: Naming
) -> Node:
    one = members[0]
    group = first[group_of[one.group]] if one.group in group_of else ""
    if len(members) == 1:
        return one._replace(group=group)
    facts = tuple(f for f in one.facts if all(f in m.facts for m in members))
    return one._replace(
        name=name([m.name for m in members]), facts=facts, group=group, count=sum(m.count for m in members), ref=None
    )
