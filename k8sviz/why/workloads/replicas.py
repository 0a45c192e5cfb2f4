"""Why a ReplicaSet or ReplicationController has not the Pods that it wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.rules.deployment import REVISION
from k8sviz.rules.fields import integer, text
from k8sviz.rules.statefulset import replicas_of
from k8sviz.why.case import Case, Level, Matcher, called
from k8sviz.why.model import Explanation
from k8sviz.why.workloads.shared import counts, going, living, not_seen, pod_troubles, pods_refused
from k8sviz.words import say

__all__ = ["REPLICA_SET"]

JSON = Mapping[str, Any]


def _kept(case: Case) -> Explanation | None:
    """An old ReplicaSet of a Deployment: no Pods, kept for an undo."""
    owner = case.snapshot.owner(case.obj)
    if replicas_of(case.obj) or (integer(case.obj, "status", "replicas") or 0) or text(owner, "kind") != "Deployment":
        return None
    proof = [case.fact("spec", "replicas"), case.fact("metadata", "annotations", REVISION)]
    revision = text(case.obj, "metadata", "annotations", REVISION)
    return case.tell(
        "replicas.kept", say("why.state.complete"), evidence=proof, revision=revision or "?", owner=called(owner or {})
    )


def _all_there(case: Case) -> Explanation | None:
    wanted = replicas_of(case.obj)
    there = [integer(case.obj, "status", name) or 0 for name in ("replicas", "readyReplicas")]
    if any(count != wanted for count in there):
        return None
    proof = counts(case, "replicas", "readyReplicas")
    return case.tell("replicas.complete", say("why.state.complete"), evidence=proof, wanted=wanted)


def _scaling(case: Case) -> Explanation | None:
    wanted, there = replicas_of(case.obj), integer(case.obj, "status", "replicas") or 0
    pods = living(case.snapshot.owned(case.obj, "Pod"))
    proof = counts(case, "replicas", "readyReplicas", "availableReplicas")
    told: dict[str, Any] = {"wanted": wanted, "there": there}
    if there > wanted:
        return case.tell("replicas.too-many", say("why.state.scaling"), "waiting", evidence=proof, **told)
    causes = pod_troubles(case, pods)
    level: Level = "error" if causes and causes[0].error else "waiting"
    told["ready"] = integer(case.obj, "status", "readyReplicas") or 0
    return case.tell("replicas.not-ready", say("why.state.short"), level, evidence=proof, also=causes, **told)


REPLICA_SET: tuple[Matcher, ...] = (going, not_seen, pods_refused, _kept, _all_there, _scaling)
