"""The configuration story of very much: what comes from one object by one way is drawn once, with its count.

A thousand keys in twenty Pods are forty thousand variables and files. Nobody reads them, and drawing them one by one
takes minutes, so they are counted before anything is drawn.
"""

from __future__ import annotations

from typing import Final

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.model import Diagram, Level
from k8sviz.diagrams.kit.pods import PodFrame
from k8sviz.diagrams.kit.summary import stem
from k8sviz.history import Object, Snapshot, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.admission import in_start_order
from k8sviz.rules.fields import listed, mapping, strings, text
from k8sviz.rules.references import Reference, references
from k8sviz.words import say

__all__ = ["MOST", "config_summed", "keys_of", "things_in"]

MOST: Final = 1500
"""Variables, files and words that are drawn one by one, before Pods that are alike are put together."""
_TABLES: Final = ("data", "binaryData", "stringData")


def keys_of(obj: Object | None) -> list[str]:
    """The keys of a ConfigMap or Secret, sorted; no value is read."""
    return sorted({str(key) for table in _TABLES for key in mapping(obj, table)})


def things_in(snapshot: Snapshot, namespace: str | None) -> int:
    """How many variables, files and words of commands the configuration story would draw one by one."""
    sizes: dict[Ref, int] = {}
    total = 0
    for pod in snapshot.objects("Pod", namespace=namespace):
        home = ref_of(pod).namespace
        for container, _ in in_start_order(pod):
            total += (
                len(listed(container, "env")) + len(strings(container, "command")) + len(strings(container, "args"))
            )
        for use in references(pod):
            holder = Ref(use.kind, use.name, home)
            if not use.key and holder not in sizes:
                sizes[holder] = len(keys_of(snapshot.find(holder)))
            total += 1 if use.key else sizes[holder]
    return total


def config_summed(snapshot: Snapshot, namespace: str | None, title: str, hidden: frozenset[Ref]) -> Diagram:
    """The story with a node for each way from an object into a container. `hidden` objects are left out."""
    return _Summed(snapshot, namespace, hidden).diagram(title)


class _Summed:
    def __init__(self, snapshot: Snapshot, namespace: str | None, hidden: frozenset[Ref]) -> None:
        self.b = Builder(snapshot, namespace)
        self.snapshot, self.namespace, self.hidden = snapshot, namespace, hidden
        self.keys: dict[Ref, list[str]] = {}
        self.counts: dict[str, int] = {}

    def diagram(self, title: str) -> Diagram:
        for kind in ("ConfigMap", "Secret"):
            for obj in self.snapshot.objects(kind, namespace=self.namespace):
                if ref_of(obj) not in self.hidden:
                    self.holder(ref_of(obj))
        for pod in self.snapshot.objects("Pod", namespace=self.namespace):
            self.pod(pod)
        drawn = self.b.diagram("configuration", title)
        nodes = tuple(node._replace(count=self.counts.get(node.id, 1)) for node in drawn.nodes)
        note = say("configuration.note.summed", count=f"{things_in(self.snapshot, self.namespace):,}")
        return drawn._replace(nodes=nodes, notes=(*drawn.notes, note))

    def holder(self, ref: Ref) -> tuple[str, Level]:
        """A ConfigMap or Secret with one node for its keys, and how bad it is where there is none."""
        node = f"keys/{self.b.id_of(ref)}"
        found = self.snapshot.find(ref)
        level: Level = "" if found is not None else "bad"
        if ref in self.keys:
            return node, level
        self.keys[ref] = keys_of(found)
        state = say(f"configuration.state.{self.snapshot.missing(ref.kind)}") if level else ""
        frame = self.b.group(ref, state=state, level=level, alike=ref.kind)
        name = stem(self.keys[ref]) if self.keys[ref] else say("configuration.name.any")
        self.b.node("Key", name, node, group=frame, alike=ref.kind)
        self.counts[node] = max(1, len(self.keys[ref]))
        return node, level

    def pod(self, pod: Object) -> None:
        ref = ref_of(pod)
        frame = PodFrame(self.b, pod, alike=self.b.owner_of(pod) or f"namespace {ref.namespace}")
        inside: dict[str, list[Reference]] = {}
        for use in references(pod):
            if Ref(use.kind, use.name, ref.namespace) not in self.hidden:
                inside.setdefault(use.container, []).append(use)
        for container, role in in_start_order(pod):
            uses = inside.get(text(container, "name"), [])
            if not uses:
                continue
            # containers that are given the same are alike, whatever they are called
            given = " ".join(sorted({f"{use.way} {use.kind} {use.name} {use.volume}" for use in uses}))
            home = frame.container(container, role, alike=given)
            self.container(ref, home, frame.alike(given), uses)

    def container(self, pod: Ref, home: str, alike: str, uses: list[Reference]) -> None:
        """A node for each way from an object into this container."""
        ways: dict[tuple[str, str, str, str, bool], list[Reference]] = {}
        for use in uses:
            prefix = use.target if use.way == "envFrom" else use.volume
            ways.setdefault((use.way, use.kind, use.name, prefix, use.frozen), []).append(use)
        for (way, kind, name, prefix, frozen), mine in ways.items():
            source, level = self.holder(Ref(kind, name, pod.namespace))
            level = "unknown" if level and all(use.optional for use in mine) else level
            keys = self.keys[Ref(kind, name, pod.namespace)]
            node = f"{way}/{home}/{kind}/{name}/{prefix}/{frozen}"
            variable = way in ("env", "envFrom")
            names = [f"{use.target}{key}" if variable else use.target for use in mine for key in _some(use, keys)]
            state = ("required" if level == "bad" else "unset") if level else "frozen" if frozen else "live"
            self.b.node(
                "Variable" if variable else "File",
                stem(names) if names else say("configuration.name.any"),
                node,
                state=say(f"configuration.state.{state}"),
                level=level or ("" if frozen else "ok"),
                group=home,
                alike=f"{alike} {way} {kind} {name} {prefix}",
            )
            self.counts[node] = max(1, sum(1 if use.key else len(keys) for use in mine))
            label = say(f"configuration.edge.{_edge(way, prefix)}", prefix=prefix, volume=prefix)
            self.b.edge(source, node, way, label, level or "off" if frozen else level or "ok", key=prefix)


def _some(use: Reference, keys: list[str]) -> list[str]:
    """What tells the names that a reference makes: its own name alone, or with the first and the last key."""
    if use.key or use.way not in ("env", "envFrom"):
        return [""]
    return [*keys[:1], *keys[-1:]]


def _edge(way: str, prefix: str) -> str:
    if way == "envFrom" and prefix:
        return "envFrom-prefix"
    return "volume-whole" if way == "volume" else way
