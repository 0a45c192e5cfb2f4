"""The node story: one moment of a node that fell silent, with its Pods, their claims, and volumes that stay."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.model import Diagram
from k8sviz.diagrams.kit.stages import now_of, stage_of
from k8sviz.errors import K8svizError
from k8sviz.history import History, Object, Snapshot, key_of, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.binding import volume_fits_node
from k8sviz.rules.fields import listed, text
from k8sviz.rules.meta import is_terminating
from k8sviz.rules.nodes import no_execute_taint, ready_status, taints, toleration
from k8sviz.rules.times import epoch
from k8sviz.words import say

__all__ = ["node", "node_story"]


def node(snapshot: Snapshot, focus: Ref | None = None, *, namespace: str | None = None) -> Diagram:
    """One moment of the story: nodes with their conditions and taints, their Pods, claims, and volumes that stay.

    `focus` keeps what hangs together with one object. Raises K8svizError when it is not there.
    """
    story = _Moment(snapshot, namespace)
    if focus is not None:
        snapshot.require(focus)
    for machine in snapshot.objects("Node"):
        story.machine(machine)
    for statefulset in snapshot.objects("StatefulSet", namespace=namespace):
        story.b.object(ref_of(statefulset))
    for pod in snapshot.objects("Pod", namespace=namespace):
        story.pod(pod)
    title = say("node.story.title-one", node=focus.name) if focus else say("node.story.title")
    diagram = story.b.diagram("node", title)
    return diagram.around(story.b.id_of(focus)) if focus else diagram


def node_story(history: History, name: str | None = None) -> Callable[[Snapshot], Diagram]:
    """The story for a player of this History: all nodes, unless one is named."""
    if name is not None and not history.versions("Node", name):
        raise K8svizError(f"no Node {name} here")
    return partial(node, focus=Ref("Node", name) if name else None)


class _Moment:
    def __init__(self, snapshot: Snapshot, namespace: str | None) -> None:
        self.snapshot = snapshot
        self.b = Builder(snapshot, namespace)
        self.base = epoch(snapshot.about.started_at)
        self.now = now_of(snapshot)

    def machine(self, node: Object) -> None:
        """Reads the Ready condition, its last heartbeat, and the taints of a node that does not answer."""
        ready = ready_status(node)
        facts = []
        if ready != "True":
            stamps = [
                epoch(text(c, "lastHeartbeatTime"))
                for c in listed(node, "status", "conditions")
                if text(c, "type") == "Ready"
            ]
            if stamps and stamps[0] is not None and self.base is not None:
                facts.append(say("node.story.last", t=f"{stamps[0] - self.base:.0f}"))
        facts += [say("node.story.taint", key=key.rpartition("/")[2], effect=effect) for key, effect in taints(node)]
        good = ready == "True"
        self.b.object(
            ref_of(node),
            facts,
            state=say("node.story.ready" if good else "node.story.silent", status=ready),
            level="ok" if good else "unknown",
        )

    def pod(self, pod: Object) -> None:
        """Reads the Pod's node and stage, its toleration clock, the scheduler's message, and its claims."""
        where = text(pod, "spec", "nodeName")
        machine = self.snapshot.get("Node", where) if where else None
        _, word, level = stage_of(pod, 0, self.now)
        facts: list[str] = []
        if machine is not None and ready_status(machine) != "True":
            if is_terminating(pod):
                facts += [say("node.story.nobody"), say("node.story.at-most-one")]
            else:
                facts += self._clock(pod, machine)
        for c in listed(pod, "status", "conditions"):
            if text(c, "type") == "PodScheduled" and text(c, "reason") == "Unschedulable":
                word, level = say("node.lane.nowhere"), "bad"
                facts += [part.strip() for part in text(c, "message").partition(". ")[0].partition(": ")[2].split(", ")]
        node = self.b.object(ref_of(pod), facts, state=word, level=level)
        owner = self.snapshot.owner(pod)
        if owner is not None and owner.get("kind") == "StatefulSet":
            self.b.edge(self.b.object(ref_of(owner)), node, "owns")
        if where:
            lost = machine is None or ready_status(machine) != "True"
            self.b.link(node, Ref("Node", where), "on-node", say("stateful.story.on-node"), "unknown" if lost else "")
        self._claims(node, pod)

    def _clock(self, pod: Object, machine: Object) -> list[str]:
        limit = toleration(pod)
        if not no_execute_taint(machine):
            return []
        if limit is None:
            return [say("node.lane.for-ever")]
        added = next(
            (
                epoch(text(t, "timeAdded"))
                for t in listed(machine, "spec", "taints")
                if text(t, "effect") == "NoExecute"
            ),
            None,
        )
        facts = [say("node.lane.tolerates", seconds=f"{limit:g}")]
        if added is not None and self.base is not None and not math.isinf(added):
            facts.append(say("node.story.until", t=f"{added - self.base + limit:.0f}"))
        return facts

    def _claims(self, node: str, pod: Object) -> None:
        for volume in listed(pod, "spec", "volumes"):
            name = text(volume, "persistentVolumeClaim", "claimName")
            claim = self.snapshot.get("PersistentVolumeClaim", name, key_of(pod).namespace) if name else None
            found = self.snapshot.get("PersistentVolume", text(claim, "spec", "volumeName")) if claim else None
            if claim is None or found is None:
                continue
            card = self.b.node(
                "PersistentVolume",
                text(claim, "spec", "volumeName")[:12] + "…",
                self.b.id_of(ref_of(found)),
                [say("node.lane.volume", claim=name)],
                ref=ref_of(found),
            )
            self.b.edge(node, card, "claim")
            fits = [m for m in self.snapshot.objects("Node") if volume_fits_node(found, m)]
            if len(fits) == 1:
                self.b.link(card, ref_of(fits[0]), "reaches", say("node.story.only"))
