"""The node story: one moment of a node that fell silent, with its Pods, their claims, and volumes that stay."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.facts import node_state
from k8sviz.diagrams.kit.limits import MOST_AT_ALL
from k8sviz.diagrams.kit.model import Diagram
from k8sviz.diagrams.kit.stages import now_of, stage_of
from k8sviz.errors import K8svizError
from k8sviz.history import History, Object, Snapshot, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.binding import volume_fits_node
from k8sviz.rules.fields import listed, text
from k8sviz.rules.meta import condition
from k8sviz.rules.node_health import leaves_after
from k8sviz.rules.nodes import no_execute_taint, ready_status, taints
from k8sviz.rules.times import epoch
from k8sviz.rules.views import Claim, Pod
from k8sviz.words import say

__all__ = ["node", "node_story"]


def node(snapshot: Snapshot, focus: Ref | None = None, *, namespace: str | None = None) -> Diagram:
    """One moment of the story: nodes with their conditions and taints, their Pods, claims, and volumes that stay.

    `focus` keeps what hangs together with one object. Raises K8svizError when it is not there.
    """
    story = _Moment(Builder(snapshot, namespace, focus))
    for machine in snapshot.objects("Node"):
        story.machine(machine)
    for statefulset in story.b.objects("StatefulSet"):
        story.b.object(ref_of(statefulset))
    for pod in map(Pod, story.b.objects("Pod")):
        story.pod(pod)
    return story.b.told("node", title=story.b.title("node", focus.name) if focus is not None else "", most=MOST_AT_ALL)


def node_story(history: History, name: str | None = None) -> Callable[[Snapshot], Diagram]:
    """The story for a player of this History: all nodes, unless one is named."""
    if name is not None and not history.versions("Node", name):
        raise K8svizError(f"no Node {name} here")
    return partial(node, focus=Ref("Node", name) if name else None)


class _Moment:
    def __init__(self, b: Builder) -> None:
        self.b, self.snapshot = b, b.snapshot
        self.base = epoch(b.snapshot.about.started_at)
        self.now = now_of(b.snapshot)

    def machine(self, node: Object) -> None:
        """Reads the Ready condition, its last heartbeat, and the taints of a node that does not answer."""
        ready = ready_status(node)
        facts = []
        stamp = epoch(text(condition(node, "Ready"), "lastHeartbeatTime"))
        if ready != "True" and stamp is not None and self.base is not None:
            facts.append(say("node.story.last", t=f"{stamp - self.base:.0f}"))
        facts += [say("node.story.taint", key=key.rpartition("/")[2], effect=effect) for key, effect in taints(node)]
        state, level = node_state(node)
        self.b.object(ref_of(node), facts, state=state, level=level)

    def pod(self, pod: Pod) -> None:
        """Reads the Pod's node and stage, its toleration clock, the scheduler's message, and its claims."""
        machine = self.snapshot.get("Node", pod.node) if pod.node else None
        lost = machine is None or ready_status(machine) != "True"
        _, word, level = stage_of(pod.json, 0, self.now)
        facts: list[str] = []
        if machine is not None and lost and pod.terminating:
            facts += [say("node.story.nobody"), say("node.story.at-most-one")]
        elif machine is not None and lost:
            facts += self._clock(pod, machine)
        if pod.unschedulable:
            word, level = say("node.lane.nowhere"), "bad"
            facts += [part.strip() for part in pod.unschedulable.partition(". ")[0].partition(": ")[2].split(", ")]
        node = self.b.object(pod.ref, facts, state=word, level=level)
        owner = self.snapshot.owner(pod.json)
        if owner is not None and owner.get("kind") == "StatefulSet":
            self.b.edge(self.b.object(ref_of(owner)), node, "owns")
        if pod.node:
            words = say("stateful.story.on-node")
            self.b.link(node, Ref("Node", pod.node), "on-node", words, "unknown" if lost else "")
        self._claims(node, pod)

    def _clock(self, pod: Pod, machine: Object) -> list[str]:
        limit = leaves_after(pod.json, listed(machine, "spec", "taints"))
        if not no_execute_taint(machine):
            return []
        if limit is None:
            return [say("node.lane.for-ever")]
        stamps = (text(t, "timeAdded") for t in listed(machine, "spec", "taints") if text(t, "effect") == "NoExecute")
        added = epoch(next(stamps, ""))
        facts = [say("node.lane.tolerates", seconds=f"{limit:g}")]
        if added is not None and self.base is not None and not math.isinf(added):
            facts.append(say("node.story.until", t=f"{added - self.base + limit:.0f}"))
        return facts

    def _claims(self, node: str, pod: Pod) -> None:
        for name in pod.claims:
            claim = Claim(self.snapshot.get("PersistentVolumeClaim", name, pod.namespace))
            found = self.snapshot.get("PersistentVolume", claim.volume) if claim.volume else None
            if found is None:
                continue
            ref, facts = ref_of(found), [say("node.lane.volume", claim=name)]
            card = self.b.node(ref.kind, _short(claim.volume), self.b.id_of(ref), facts, ref=ref)
            self.b.edge(node, card, "claim")
            fits = [m for m in self.snapshot.objects("Node") if volume_fits_node(found, m)]
            if len(fits) == 1:
                self.b.link(card, ref_of(fits[0]), "reaches", say("node.story.only"))


def _short(name: str) -> str:
    """A provisioner's names are long and say little."""
    return name if len(name) <= 13 else f"{name[:12]}…"
