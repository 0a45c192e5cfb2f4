"""Puts a Diagram together from a Snapshot: what every story needs, and no story's own knowledge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Level, Node
from k8sviz.history import Object, Snapshot, key_of, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.fields import listed, mapped, mapping, text
from k8sviz.words import say

__all__ = ["Builder"]


class Builder:
    """Collects nodes, edges and frames; an object that something names and that is not there becomes a ghost."""

    def __init__(self, snapshot: Snapshot, namespace: str | None = None) -> None:
        self.snapshot = snapshot
        self.namespace = namespace
        self._nodes: dict[str, Node] = {}
        self._edges: dict[str, Edge] = {}
        self._groups: dict[str, Group] = {}

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
        state: str = "",
        level: Level = "",
        group: str = "",
        ref: Ref | None = None,
        alike: str = "",
    ) -> str:
        """Draw one thing; drawing it again replaces what stood there. Returns its id."""
        self._nodes[node_id] = Node(node_id, kind, name, tuple(facts), state, level, group, ref, alike=alike)
        return node_id

    def object(
        self,
        ref: Ref,
        facts: Iterable[str] = (),
        *,
        state: str = "",
        level: Level = "",
        group: str = "",
        alike: str = "",
    ) -> str:
        """Draw an API object. Returns its id."""
        return self.node(
            ref.kind, ref.name, self.id_of(ref), facts, state=state, level=level, group=group, ref=ref, alike=alike
        )

    def group(
        self,
        ref: Ref,
        *,
        facts: Sequence[str] = (),
        state: str = "",
        level: Level = "",
        parent: str = "",
        alike: str = "",
    ) -> str:
        """Draw a frame for an API object. Returns its id."""
        group_id = self.id_of(ref)
        self._groups[group_id] = Group(
            group_id, ref.kind, ref.name, state, level, tuple(facts), parent, ref, alike=alike
        )
        return group_id

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
        """An object that is not this story's own subject: its name, and a count of its keys if it holds any."""
        facts = []
        if obj.get("kind") in ("ConfigMap", "Secret"):
            keys = {*mapping(obj, "data"), *mapping(obj, "binaryData")}
            facts.append(say("diagrams.storage.keys", count=len(keys)))
        self.object(ref_of(obj), facts)

    # -- lookups that stories share ------------------------------------------------------------------

    def shows(self, namespace: str) -> bool:
        """Whether objects of this namespace are drawn."""
        return self.namespace is None or namespace == self.namespace

    def owner_of(self, obj: Object) -> str:
        """The uid of the object's controller, or '' when it stands for itself."""
        owners = [o for o in listed(obj, "metadata", "ownerReferences") if o.get("controller")]
        return text(owners[0], "uid") if owners else ""

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

    def diagram(self, story: str, title: str) -> Diagram:
        """Everything collected; relations to things that were not drawn are left out."""
        edges = tuple(e for e in self._edges.values() if e.source in self._nodes and e.target in self._nodes)
        nodes = self._order(edges)
        return Diagram(story, title, nodes, edges, tuple(self._groups.values()), tuple(self.snapshot.notes))

    def _order(self, edges: tuple[Edge, ...]) -> tuple[Node, ...]:
        """Things with relations first: what stands alone goes to the end of the page."""
        tied = {e.source for e in edges} | {e.target for e in edges}
        framed = {n.id for n in self._nodes.values() if n.group}
        nodes = [n._replace(group="") if n.group and n.group not in self._groups else n for n in self._nodes.values()]
        return tuple(sorted(nodes, key=lambda n: n.id not in tied and n.id not in framed))
