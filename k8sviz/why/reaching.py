"""Whose Pods a selector means: workloads by the labels of their templates, and those that select the same Pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.selectors import label_selector, labels_of, matches_all
from k8sviz.rules.statefulset import replicas_of
from k8sviz.why.case import Case, called, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = ["WORKLOADS", "is_manifest", "same_selector", "template_pod", "workloads_of"]

JSON = Mapping[str, Any]

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController")


def is_manifest(obj: JSON) -> bool:
    """Whether the object comes from a file that no API server has stored."""
    return not text(obj, "metadata", "uid") and not text(obj, "metadata", "creationTimestamp")


def workloads_of(case: Case) -> list[Object]:
    """The workloads of the object's namespace that make Pods, without those that another workload owns."""
    found = [obj for kind in WORKLOADS for obj in case.snapshot.objects(kind, namespace=case.namespace)]
    mine = [obj for obj in found if text(obj, "metadata", "namespace") == case.namespace]
    return [obj for obj in mine if not listed(obj, "metadata", "ownerReferences")]


def template_pod(workload: JSON) -> JSON:
    """A Pod as the workload's template has it."""
    template = mapping(workload, "spec", "template")
    labels = mapping(template, "metadata", "labels")
    home = text(workload, "metadata", "namespace")
    return {"metadata": {"labels": labels, "namespace": home}, "spec": mapping(template, "spec")}


def _selects(one: JSON, other: JSON) -> bool:
    """Whether one workload's selector means the Pods of the other."""
    selector: JSON = mapping(one, "spec", "selector")
    if one.get("kind") == "ReplicationController":
        selector = {"matchLabels": selector}
    wanted = label_selector(selector) if selector else None
    return bool(wanted) and matches_all(wanted or (), labels_of(template_pod(other)))


def same_selector(case: Case) -> Explanation | None:
    """Another workload of the namespace selects the same Pods; told in full of the first by name."""
    others = [
        other
        for other in workloads_of(case)
        if other is not case.obj and _selects(case.obj, other) and _selects(other, case.obj)
    ]
    if not others or listed(case.obj, "metadata", "ownerReferences"):
        return None
    ordered = sorted([case.obj, *others], key=called)
    first = [] if ordered[0] is case.obj else [case.ask(ordered[0])]
    proof = [
        Evidence(
            say("why.text.field", path="spec.selector", subject=called(each)),
            ", ".join(map(str, label_selector(mapping(each, "spec", "selector")) or ())),
        )
        for each in ordered[:6]
    ]
    services = join(called(each) for each in _services(case))
    told: dict[str, Any] = {
        "others": join(map(called, others)),
        "services": say("why.reaching.services", services=services) if services else "",
        "replicas": replicas_of(case.obj),
    }
    state = say("why.state.manifest") if is_manifest(case.obj) else say("why.state.complete")
    return case.tell("workload.same-selector", state, "warning", evidence=proof, also=first, **told)


def _services(case: Case) -> list[Object]:
    """The Services that mean the workload's Pods."""
    labels = labels_of(template_pod(case.obj))
    services = case.snapshot.objects("Service", namespace=case.namespace)
    return [s for s in services if (wanted := mapping(s, "spec", "selector")) and wanted.items() <= labels.items()]
