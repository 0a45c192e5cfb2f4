"""What all controllers of Pods share: going, not seen yet, Pods refused, and the Pods that hold them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.history import Object, Snapshot
from k8sviz.rules.availability import is_active
from k8sviz.rules.fields import integer, mapping, strings, text
from k8sviz.rules.statefulset import (
    REVISION_LABEL,
    is_parallel,
    ordinal_of,
    partition_of,
    replicas_of,
    updates_on_delete,
)
from k8sviz.why.case import Case, condition, condition_fact, event_fact, event_message, fields
from k8sviz.why.finalizers import held_by
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.workloads.admitted import refused_by_server
from k8sviz.words import say

__all__ = ["counts", "going", "living", "not_seen", "pod_troubles", "pods_refused"]

JSON = Mapping[str, Any]


def going(case: Case) -> Explanation | None:
    """The object is marked for deletion."""
    if not case.deleting:
        return None
    held = strings(case.obj, "metadata", "finalizers")
    proof = fields(case.obj, ("metadata", "deletionTimestamp"), ("metadata", "finalizers"))
    state = say("why.state.terminating")
    return held_by(case, held, proof, state)


def not_seen(case: Case) -> Explanation | None:
    """The controller has not looked at the newest spec yet, or the object comes from a file."""
    state = say("why.state.manifest")
    if not text(case.obj, "metadata", "uid") and not mapping(case.obj, "status"):
        return case.tell("rollout.manifest", state, evidence=[case.fact("spec", "replicas")])
    seen, written = (
        integer(case.obj, "status", "observedGeneration") or 0,
        integer(case.obj, "metadata", "generation") or 0,
    )
    if seen >= written:
        return None
    proof = fields(case.obj, ("metadata", "generation"), ("status", "observedGeneration"))
    return case.tell("rollout.not-seen", say("why.state.new"), "waiting", evidence=proof)


def pods_refused(case: Case) -> Explanation | None:
    """The API server refuses the Pods that the controller would make."""
    owned = [*case.snapshot.owned(case.obj, "ReplicaSet")] if case.ref.kind == "Deployment" else []
    for obj in (case.obj, *owned):
        failure = condition(obj, "ReplicaFailure")
        events = [e for e in case.snapshot.events(obj) if text(e, "reason") == "FailedCreate"]
        if text(failure, "status") != "True" and not (events and _short(obj)):
            continue
        message = text(failure, "message") or (event_message(events[0]) if events else "")
        proof = [condition_fact(obj, "ReplicaFailure"), *map(event_fact, events[:1])]
        refused = [case.ask(each) for each in owned if condition(each, "ReplicaFailure")]
        return refused_by_server(case, message, proof, refused)
    return None


def _short(obj: JSON) -> bool:
    return (integer(obj, "status", "replicas") or 0) < replicas_of(obj)


def counts(case: Case, *names: str) -> list[Evidence]:
    """The numbers of the controller's Pods as evidence."""
    return fields(case.obj, ("spec", "replicas"), *(("status", name) for name in names))


def pod_troubles(case: Case, pods: Sequence[Object]) -> list[Explanation]:
    """What is not fine about these Pods, errors first; each cause told once."""
    found: dict[tuple[str, str], Explanation] = {}
    for pod in pods:
        explanation = case.ask(pod)
        if explanation is not None and not explanation.fine:
            found.setdefault((explanation.code, explanation.subject_text), explanation)
    return sorted(found.values(), key=lambda explanation: not explanation.error)[:3]


def controller_of(snapshot: Snapshot, obj: Object) -> Object | None:
    """Who makes the object in the end: of a Pod's ReplicaSet its Deployment; None when nobody is known."""
    found = snapshot.owner(obj)
    above = snapshot.owner(found) if found is not None else None
    return above if above is not None and above.get("kind") in ("Deployment", "CronJob") else found


def is_superseded(statefulset: JSON, pod: JSON) -> bool:
    """Whether the Pod is of an older template, and its StatefulSet waits for it under OrderedReady before it goes on.

    Such a Pod is not replaced before it is Ready: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
    #forced-rollback.
    """
    newest, mine = text(statefulset, "status", "updateRevision"), text(pod, "metadata", "labels", REVISION_LABEL)
    ordinal = ordinal_of(text(pod, "metadata", "name"), text(statefulset, "metadata", "name"))
    held_back = ordinal is None or ordinal < partition_of(statefulset) or updates_on_delete(statefulset)
    return bool(newest and mine) and mine != newest and not held_back and not is_parallel(statefulset)


def living(pods: Sequence[Object]) -> list[Object]:
    """The Pods that are neither over nor on their way out."""
    return [pod for pod in pods if is_active(pod)]
