"""Whose claim is it? One that all Pods of a workload share, or one for each of them."""

from __future__ import annotations

from collections.abc import Iterator

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.limits import MOST_REPLICAS
from k8sviz.diagrams.kit.model import Diagram, Level
from k8sviz.diagrams.kit.stages import now_of, stage_of
from k8sviz.history import Object, Snapshot, key_of, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.deployment import min_ready_seconds
from k8sviz.rules.fields import text
from k8sviz.rules.meta import owners_of
from k8sviz.rules.statefulset import claim_name, claim_templates, ordinal_of, replicas_of, start_ordinal
from k8sviz.rules.views import Workload
from k8sviz.words import say

__all__ = ["sharing"]


def sharing(snapshot: Snapshot, focus: Ref | None = None, *, namespace: str | None = None) -> Diagram:
    """Whose claim is it: a ReplicaSet's Pods share the one that their template names, a StatefulSet's have one each.

    Works on a cluster and on manifests alike: Pods that are not there yet are drawn as what is to come. Deployments are
    drawn by their template. At most 6 Pods of a workload. `focus` keeps one workload. Raises K8svizError when it is
    not there.
    """
    b = Builder(snapshot, namespace, focus)
    labels: set[str] = set()
    for workload in _workloads(b):
        if focus is not None and ref_of(workload) != focus:
            continue
        node = b.object(ref_of(workload), [say("stateful.story.replicas", count=replicas_of(workload))])
        for pod_name, pod in _replicas(snapshot, workload):
            card = _pod(b, snapshot, workload, pod_name, pod)
            b.edge(node, card, "owns", "", "" if pod is not None else "off")
            for claim, own in _claims(workload, pod_name):
                labels.add(label := say("stateful.figure.own-claim" if own else "stateful.figure.template-claim"))
                home = key_of(workload).namespace
                b.edge(card, _claim(b, snapshot, Ref("PersistentVolumeClaim", claim, home)), "claim", label)
    shared, own = (say(f"stateful.figure.{name}") in labels for name in ("template-claim", "own-claim"))
    title = "sharing" if shared == own else "sharing-one" if shared else "sharing-each"
    return b.told("sharing", title=say(f"stateful.figure.{title}"))


def _workloads(b: Builder) -> Iterator[Object]:
    """What makes Pods that use claims; a Deployment stands for its ReplicaSets."""
    for kind in ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"):
        for workload in b.objects(kind):
            if not owners_of(workload) and (claim_templates(workload) or Workload(workload).pod.claims):
                yield workload


def _replicas(snapshot: Snapshot, workload: Object) -> list[tuple[str, Object | None]]:
    """The workload's Pods, and names for those that are to come."""
    name, home = key_of(workload).name, key_of(workload).namespace
    count = min(replicas_of(workload), MOST_REPLICAS)
    if workload.get("kind") == "StatefulSet":
        names = [f"{name}-{i}" for i in range(start_ordinal(workload), start_ordinal(workload) + count)]
        return [(n, snapshot.get("Pod", n, home)) for n in names]
    found = list(snapshot.owned(workload, "Pod"))
    for replica_set in snapshot.owned(workload, "ReplicaSet"):
        found += snapshot.owned(replica_set, "Pod")
    there: list[tuple[str, Object | None]] = [(key_of(p).name, p) for p in found[:MOST_REPLICAS]]
    return there + [(f"{name}-…{i + 1}", None) for i in range(len(there), count)]


def _pod(b: Builder, snapshot: Snapshot, workload: Object, name: str, pod: Object | None) -> str:
    ref = Ref("Pod", name, key_of(workload).namespace)
    if pod is None:
        return b.object(ref, state=say("stateful.story.to-come"), level="off")
    _, word, level = stage_of(pod, min_ready_seconds(workload), now_of(snapshot))
    return b.object(ref, state=word, level=level)


def _claims(workload: Object, pod: str) -> Iterator[tuple[str, bool]]:
    """The claims of one Pod, and whether they are its own."""
    name = key_of(workload).name
    ordinal = ordinal_of(pod, name) if workload.get("kind") == "StatefulSet" else None
    if ordinal is not None:
        for template in claim_templates(workload):
            yield claim_name(template, name, ordinal), True
    for claim in Workload(workload).pod.claims:
        yield claim, False


def _claim(b: Builder, snapshot: Snapshot, ref: Ref) -> str:
    claim = snapshot.find(ref)
    if claim is None:
        return b.ghost(ref, say("stateful.story.to-come"), "off")
    phase = text(claim, "status", "phase")
    level: Level = "ok" if phase == "Bound" else "wait" if phase else ""
    node = b.object(ref, state=phase, level=level)
    volume = snapshot.get("PersistentVolume", text(claim, "spec", "volumeName"))
    if volume is not None:
        b.edge(node, b.object(ref_of(volume), state=text(volume, "status", "phase"), level="ok"), "bound")
    return node
