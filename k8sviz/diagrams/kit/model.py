"""A diagram as plain data: what there is and how it hangs together, before anybody draws it."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from k8sviz.kinds import Ref

__all__ = ["SIDE", "Diagram", "Edge", "Group", "Level", "Node", "side_by_side"]

SIDE: Final = "side/"  # how the ids of frames begin that hold one of several Diagrams

# How a state feels: each level has its own shape and word in every renderer, never colour alone.
# "ok" works, "wait" is on its way and normal, "bad" is an error, "ending" is being deleted,
# "off" is there but not in use, "unknown" is named by something and not in the snapshot.
Level = Literal["", "ok", "wait", "bad", "ending", "off", "unknown"]


class Node(NamedTuple):
    """One thing. `id` stays the same over time; `ref` names the API object it stands for, if it is one."""

    id: str
    kind: str
    name: str
    facts: tuple[str, ...] = ()
    state: str = ""
    level: Level = ""
    group: str = ""
    ref: Ref | None = None
    count: int = 1  # type: ignore[assignment]  # nobody counts a tuple's values here
    alike: str = ""  # things of the same kind, state and non-empty `alike` may be summed up as one


class Edge(NamedTuple):
    """One relation: `relation` is a stable word for programs, `label` is what people read on the line.

    `key` tells apart several relations of one sort between the same two things (two mounts of one volume).
    """

    source: str
    target: str
    relation: str
    label: str = ""
    level: Level = ""
    key: str = ""

    @property
    def id(self) -> str:
        """The same for the same relation at any time (labels may change)."""
        return f"{self.source} {self.relation} {self.target}" + (f" {self.key}" if self.key else "")


class Group(NamedTuple):
    """A frame around nodes that belong together: a Pod around its containers and volumes, say."""

    id: str
    kind: str
    name: str
    state: str = ""
    level: Level = ""
    facts: tuple[str, ...] = ()
    parent: str = ""
    ref: Ref | None = None
    count: int = 1  # type: ignore[assignment]  # nobody counts a tuple's values here
    alike: str = ""


class Diagram(NamedTuple):
    """A story at one moment. `notes` say what is known to be missing from it, or was summed up."""

    story: str
    title: str
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    groups: tuple[Group, ...] = ()
    notes: tuple[str, ...] = ()
    direction: Literal["LR", "TB"] = "LR"

    @property
    def spoken(self) -> str:
        """What to call the picture for those who do not see it: its title, or those of the pictures in it."""
        return self.title or " · ".join(group.name or group.kind for group in self.groups if not group.parent)

    def node(self, node_id: str) -> Node:
        """The node of that id. Raises KeyError."""
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)

    def standing_for(self, ref: Ref) -> list[str]:
        """The nodes of an object: its own, and everything in its frame and the frames within."""
        frames = {g.id for g in self.groups if g.ref == ref}
        while inner := {g.id for g in self.groups if g.parent in frames} - frames:
            frames |= inner
        return [n.id for n in self.nodes if n.ref == ref or n.group in frames]

    def around(self, *node_ids: str) -> "Diagram":
        """Only what is connected to these nodes by following edges forwards from them, and backwards to them."""
        forward: dict[str, list[str]] = {}
        backward: dict[str, list[str]] = {}
        for edge in self.edges:
            forward.setdefault(edge.source, []).append(edge.target)
            backward.setdefault(edge.target, []).append(edge.source)
        keep = _reach(node_ids, forward) | _reach(node_ids, backward)
        return self._replace(
            nodes=tuple(n for n in self.nodes if n.id in keep),
            edges=tuple(e for e in self.edges if e.source in keep and e.target in keep),
        ).without_empty_frames()

    def without_empty_frames(self) -> "Diagram":
        """Only the frames that something stands in, and those around them."""
        parents = {g.id: g.parent for g in self.groups}
        used: set[str] = set()
        for node in self.nodes:
            group = node.group
            while group and group not in used:
                used.add(group)
                group = parents.get(group, "")
        return self._replace(groups=tuple(g for g in self.groups if g.id in used))


def _reach(start: tuple[str, ...], arrows: dict[str, list[str]]) -> set[str]:
    seen, todo = set(start), list(start)
    while todo:
        for after in arrows.get(todo.pop(), ()):
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return seen


def side_by_side(diagrams: Sequence[Diagram], title: str = "") -> Diagram:
    """Several Diagrams as one: each in a frame with its title, its ids kept apart by its number."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    groups: list[Group] = []
    notes: list[str] = []
    for i, one in enumerate(diagrams):
        frame = f"{SIDE}{i}"
        groups.append(Group(frame, "", one.title))
        groups += [g._replace(id=f"{i}:{g.id}", parent=f"{i}:{g.parent}" if g.parent else frame) for g in one.groups]
        nodes += [n._replace(id=f"{i}:{n.id}", group=f"{i}:{n.group}" if n.group else frame) for n in one.nodes]
        edges += [e._replace(source=f"{i}:{e.source}", target=f"{i}:{e.target}") for e in one.edges]
        notes += [note for note in one.notes if note not in notes]
    story = diagrams[0].story if diagrams else ""
    return Diagram(story, title, tuple(nodes), tuple(edges), tuple(groups), tuple(notes))
