"""Puts a Diagram together from a Snapshot: what every story needs, and no story's own knowledge."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final, TypedDict, Unpack

from k8sviz.diagrams.kit.facts import node_state
from k8sviz.diagrams.kit.limits import LIMIT
from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Level, Node
from k8sviz.diagrams.kit.summary import sum_up
from k8sviz.history import Object, Snapshot, key_of, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.fields import JSON, listed, mapped, mapping, text
from k8sviz.rules.meta import controller_of
from k8sviz.words import say

__all__ = ["Builder"]


_PLAIN: Final[Level] = ""


class Looks(TypedDict, total=False):
    """How a thing is drawn, beside its name and facts."""

    state: str
    level: Level
    alike: str


class Builder:
    """Collects nodes, edges and frames; an object that something names and that is not there becomes a ghost."""

    def __init__(self, snapshot: Snapshot, namespace: str | None = None, focus: Ref | None = None) -> None:
        """`focus` is what the picture is to be about. Raises K8svizError when it is not there."""
        self.snapshot, self.namespace, self.focus = snapshot, namespace, focus
        self._nodes: dict[str, Node] = {}
        self._edges: dict[str, Edge] = {}
        self._groups: dict[str, Group] = {}
        self.notes: list[str] = []
        if focus is not None:
            snapshot.require(focus)

    def objects(self, kind: str) -> list[Object]:
        """The objects of a kind that may be drawn: of the namespace, if one is chosen, and of the whole cluster."""
        return self.snapshot.objects(kind, namespace=self.namespace)

    def pods(self) -> list[Object]:
        """The Pods that may be drawn: of a Pod in focus only that one."""
        found = self.objects("Pod")
        if self.focus is None or self.focus.kind != "Pod":
            return found
        return [pod for pod in found if ref_of(pod) == self.focus]

    # -- what there is ---------------------------------------------------------------------------

    def id_of(self, ref: Ref) -> str:
        """An object's node id: the same at every time."""
        return f"{ref.kind}/{ref.namespace}/{ref.name}"

    def node(
        self,
        kind: str,
        name: str,
        node_id: str,
        facts: Iterable[str] = (),
        *,
        group: str = "",
        ref: Ref | None = None,
        **looks: Unpack[Looks],
    ) -> str:
        """Draw one thing; drawing it again replaces what stood there. Returns its id."""
        self._nodes[node_id] = Node(node_id, kind, name, tuple(facts), group=group, ref=ref, **looks)
        return node_id

    def object(self, ref: Ref, facts: Iterable[str] = (), **looks: Unpack[Looks]) -> str:
        """Draw an API object. Returns its id."""
        return self.node(ref.kind, ref.name, self.id_of(ref), facts, ref=ref, **looks)

    def add_fact(self, node_id: str, fact: str) -> None:
        """Say one thing more of a node that is drawn."""
        node = self._nodes[node_id]
        self._nodes[node_id] = node._replace(facts=(*node.facts, fact))

    def frame(
        self,
        kind: str,
        name: str,
        frame_id: str,
        facts: Iterable[str] = (),
        *,
        parent: str = "",
        ref: Ref | None = None,
        **looks: Unpack[Looks],
    ) -> str:
        """Draw a frame. Returns its id."""
        self._groups[frame_id] = Group(frame_id, kind, name, facts=tuple(facts), parent=parent, ref=ref, **looks)
        return frame_id

    def group(self, ref: Ref, facts: Iterable[str] = (), **looks: Unpack[Looks]) -> str:
        """Draw a frame for an API object. Returns its id."""
        return self.frame(ref.kind, ref.name, self.id_of(ref), facts, ref=ref, **looks)

    def ghost(self, ref: Ref, state: str, level: Level = "unknown") -> str:
        """Draw something that is named and is not here; the real thing, if it is ever drawn, takes its place."""
        node_id = self.id_of(ref)
        if node_id not in self._nodes:
            self.object(ref, state=state, level=level, alike="ghost")
        return node_id

    # -- how it hangs together ---------------------------------------------------------------------

    def edge(
        self, source: str, target: str, relation: str, label: str = "", level: Level = "", *, key: str = ""
    ) -> None:
        """Draw a relation between two ids; the same relation is drawn once."""
        edge = Edge(source, target, relation, label, level, key)
        self._edges[edge.id] = edge

    def link(
        self,
        source: str,
        ref: Ref,
        relation: str,
        label: str = "",
        level: Level = "",
        *,
        optional: bool = False,
        name_only: bool = False,
    ) -> None:
        """Draw a relation to an API object that the source names, and the object if nobody has drawn it.

        Where it does not exist, the line and a ghost say so: an error, unless the reference is `optional` or the
        object need not exist (`name_only`).
        """
        target, missing = self.place(ref, optional=optional, name_only=name_only)
        self.edge(source, target, relation, label, missing or level)

    def place(self, ref: Ref, *, optional: bool = False, name_only: bool = False) -> tuple[str, Level]:
        """Draw an API object that something names, if nobody has. Returns its id, and '' when it is there.

        Where it is not, the second value says how bad that is for what names it.
        """
        found = self.snapshot.find(ref)
        target = self.id_of(ref)
        if found is not None:
            if target not in self._nodes:
                self._plain(found)
            return target, ""
        missing = self.snapshot.missing(ref.kind)
        if missing == "absent" and name_only:
            return self.ghost(ref, say("diagrams.storage.name-only"), "off"), ""
        bad: Level = "bad" if missing == "absent" and not optional else "unknown"
        return self.ghost(ref, say(f"diagrams.storage.{missing}"), bad), bad

    def states(self) -> dict[str, str]:
        """The states of the nodes drawn so far."""
        return {node.id: node.state for node in self._nodes.values()}

    def edges_from(self, source: str) -> list[Edge]:
        """The relations drawn from an id so far."""
        return [e for e in self._edges.values() if e.source == source]

    def drop_edges(self, source: str) -> None:
        """Forget the relations that start at an id."""
        for edge in self.edges_from(source):
            del self._edges[edge.id]

    def _plain(self, obj: Object) -> None:
        """An object that is not this story's own subject: its name, and what one must know of it."""
        kind = obj.get("kind")
        if kind in ("ConfigMap", "Secret"):
            keys = {*mapping(obj, "data"), *mapping(obj, "binaryData")}
            self.object(ref_of(obj), [say("diagrams.storage.keys", count=len(keys))])
            return
        state, level = node_state(obj) if kind == "Node" else ("", _PLAIN)
        self.object(ref_of(obj), state="" if level == "ok" else state, level="" if level == "ok" else level)

    # -- lookups that stories share ------------------------------------------------------------------

    def shows(self, namespace: str) -> bool:
        """Whether objects of this namespace are drawn."""
        return self.namespace is None or namespace == self.namespace

    def owner_of(self, obj: JSON) -> str:
        """The uid of the object's controller, or '' when it stands for itself."""
        return text(controller_of(obj), "uid")

    @cached_property
    def _by_claim(self) -> dict[tuple[str, str], list[Object]]:
        found: dict[tuple[str, str], list[Object]] = {}
        for volume in self.snapshot.objects("PersistentVolume"):
            ref = mapped(volume, "spec", "claimRef")
            if ref is not None:
                found.setdefault((text(ref, "namespace"), text(ref, "name")), []).append(volume)
        return found

    def volumes_naming(self, claim: Ref) -> list[Object]:
        """The PersistentVolumes whose claimRef has this claim's name, whichever uid it means."""
        return self._by_claim.get((claim.namespace, claim.name), [])

    @cached_property
    def _templates(self) -> set[tuple[str, str]]:
        return {
            (key_of(sts).namespace, f"{text(template, 'metadata', 'name')}-{key_of(sts).name}-")
            for sts in self.snapshot.objects("StatefulSet")
            for template in listed(sts, "spec", "volumeClaimTemplates")
        }

    def template_of(self, namespace: str, claim: str) -> str:
        """The claim template of a StatefulSet that a claim's name comes from, or ''."""
        stem, _, ordinal = claim.rpartition("-")
        return stem if ordinal.isdigit() and (namespace, f"{stem}-") in self._templates else ""

    def told(self, story: str, *, title: str = "", around: Iterable[str] | None = None, most: int = LIMIT) -> Diagram:
        """Everything collected, framed as every story is: its title, what hangs together with the focus, a note where
        there is nothing, and what is alike once where there are more than `most` things.

        The words are those of `stories.<story>`. `around` are the nodes that stand for the focus, where it has none of
        its own.
        """
        diagram = self.diagram(story, title or self.title(story)).without_empty_frames()
        if self.focus is not None:
            diagram = diagram.around(*(around or diagram.standing_for(self.focus)))
        if not diagram.nodes and not diagram.groups:
            return diagram._replace(notes=(*diagram.notes, say(f"stories.{story}.nothing")))
        return sum_up(diagram, most)

    def title(self, story: str, what: str = "") -> str:
        """What the picture is of: `what` or the focus, a namespace, or all there is."""
        if what or self.focus is not None:
            return say(f"stories.{story}.one", what=what or self.focus)
        name = self.namespace or self.snapshot.about.namespace
        return say(f"stories.{story}.namespace", namespace=name) if name else say(f"stories.{story}.all")

    def diagram(self, story: str, title: str) -> Diagram:
        """Everything collected; relations to things that were not drawn are left out."""
        edges = tuple(e for e in self._edges.values() if e.source in self._nodes and e.target in self._nodes)
        notes = (*self.snapshot.notes, *self.notes)
        return Diagram(story, title, self._order(edges), edges, tuple(self._groups.values()), notes)

    def _order(self, edges: tuple[Edge, ...]) -> tuple[Node, ...]:
        """Things with relations first: what stands alone goes to the end of the page."""
        tied = {e.source for e in edges} | {e.target for e in edges}
        framed = {n.id for n in self._nodes.values() if n.group}
        nodes = [n._replace(group="") if n.group and n.group not in self._groups else n for n in self._nodes.values()]
        return tuple(sorted(nodes, key=lambda n: n.id not in tied and n.id not in framed))
