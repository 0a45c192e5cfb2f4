"""Why a Pod has no node yet: the scheduler's one sentence taken apart into nodes, counts and reasons.

The scheduler says `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).`; each part is
another thing to mend, and a claim that is missing is not about nodes at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.rules.fields import listed, text
from k8sviz.rules.pods import pod_status
from k8sviz.why.case import Case, Matcher, event_fact, first_of, join
from k8sviz.why.model import Explanation
from k8sviz.why.pods.claims import (
    claim_missing,
    claim_terminating,
    claims_bound_since,
    claims_unbound,
    once_pod_held,
    volume_elsewhere,
    volumes_apart,
)
from k8sviz.why.pods.refused import unschedulable

__all__ = ["pod_unscheduled", "tolerated_seconds"]

JSON = Mapping[str, Any]

_PATIENCE = 60  # seconds after which a Pod that no scheduler has spoken of is no longer normal


def _gated(case: Case) -> Explanation | None:
    gates = [text(gate, "name") for gate in listed(case.obj, "spec", "schedulingGates")]
    if not gates:
        return None
    return case.tell(
        "pod.gated", pod_status(case.obj), "waiting", evidence=[case.fact("spec", "schedulingGates")], gates=join(gates)
    )


def _being_scheduled(case: Case) -> Explanation:
    scheduler = text(case.obj, "spec", "schedulerName") or "default-scheduler"
    proof = [
        case.fact("status", "phase"),
        case.fact("spec", "schedulerName"),
        *map(event_fact, case.events_with("Preempted", "NotTriggerScaleUp", "TriggeredScaleUp")[:2]),
    ]
    age = case.age(text(case.obj, "metadata", "creationTimestamp"))
    if scheduler != "default-scheduler" and age is not None and age > _PATIENCE:
        return case.tell(
            "pod.no-scheduler", pod_status(case.obj), "error", evidence=proof, scheduler=scheduler, seconds=round(age)
        )
    if text(case.obj, "status", "nominatedNodeName"):
        proof.append(case.fact("status", "nominatedNodeName"))
        node = text(case.obj, "status", "nominatedNodeName")
        return case.tell("pod.nominated", pod_status(case.obj), "waiting", evidence=proof, node=node)
    return case.tell("pod.scheduling", pod_status(case.obj), "waiting", evidence=proof, scheduler=scheduler)


_MATCHERS: tuple[Matcher, ...] = (
    _gated,
    claim_missing,
    claim_terminating,
    once_pod_held,
    claims_unbound,
    claims_bound_since,
    volumes_apart,
    volume_elsewhere,
    unschedulable,
    _being_scheduled,
)


def pod_unscheduled(case: Case) -> Explanation | None:
    """Why the Pod has no node; None when it has one."""
    if text(case.obj, "spec", "nodeName"):
        return None
    return first_of(case, _MATCHERS)


def tolerated_seconds(pod: JSON, key: str) -> int | None:
    """For how long the Pod tolerates a NoExecute taint; None for ever, 0 not at all."""
    for wanted in listed(pod, "spec", "tolerations"):
        if text(wanted, "key") in (key, "") and text(wanted, "effect") in ("NoExecute", ""):
            seconds = wanted.get("tolerationSeconds")
            return seconds if isinstance(seconds, int) else None
    return 0
