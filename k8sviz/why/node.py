"""Why a node takes no Pods: silent, not ready, short of something, or closed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.fields import flag, listed, text
from k8sviz.why.budget import budgets_of, holds
from k8sviz.why.case import Case, Matcher, called, condition, condition_fact, fact, fields, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = ["NODE", "node_is_lost"]

JSON = Mapping[str, Any]

_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
_LOST_TAINTS = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")


def node_is_lost(node: JSON | None) -> bool:
    """Whether a node's kubelet has stopped answering, or says that it is not ready."""
    return node is not None and text(condition(node, "Ready"), "status") in ("False", "Unknown")


def _pods(case: Case) -> list[Object]:
    return [pod for pod in case.snapshot.objects("Pod") if text(pod, "spec", "nodeName") == case.name]


def _on_it(case: Case) -> str:
    return join(called(pod) for pod in _pods(case)) or say("why.text.none")


def _heartbeat(case: Case) -> Evidence | None:
    last = text(condition(case.obj, "Ready"), "lastHeartbeatTime")
    if not last:
        return None
    path = "status.conditions[Ready].lastHeartbeatTime"
    return Evidence(say("why.text.field", path=path, subject=called(case.ref)), last)


def _unreachable(case: Case) -> Explanation | None:
    status = text(condition(case.obj, "Ready"), "status")
    if status not in ("Unknown", "False"):
        return None
    proof = [condition_fact(case.obj, "Ready"), _heartbeat(case), *fields(case.obj, ("spec", "taints"))]
    state = say("why.state.not-ready")
    if status == "Unknown":
        return case.tell("node.unreachable", state, "error", evidence=proof, pods=_on_it(case))
    message = text(condition(case.obj, "Ready"), "message") or say("why.text.no-message")
    return case.tell("node.not-ready", state, "error", evidence=proof, message=message)


def _pressure(case: Case) -> Explanation | None:
    pressed = [name for name in _PRESSURES if text(condition(case.obj, name), "status") == "True"]
    if not pressed:
        return None
    proof = [condition_fact(case.obj, name) for name in pressed]
    return case.tell("node.pressure", "Ready", "error", evidence=proof, pressures=join(pressed))


def _recovering(case: Case) -> Explanation | None:
    """Ready again, and still tainted: the node controller takes the taints off within seconds."""
    left = [text(t, "key") for t in listed(case.obj, "spec", "taints") if text(t, "key") in _LOST_TAINTS]
    if not left:
        return None
    proof = [condition_fact(case.obj, "Ready"), *fields(case.obj, ("spec", "taints"))]
    return case.tell("node.recovering", "Ready", "waiting", evidence=proof, taints=join(dict.fromkeys(left)))


def _cordoned(case: Case) -> Explanation | None:
    if not flag(case.obj, "spec", "unschedulable"):
        return None
    proof = fields(case.obj, ("spec", "unschedulable"))
    return case.tell("node.cordoned", "Ready,SchedulingDisabled", "waiting", evidence=proof, name=case.name)


def _drain_held(case: Case) -> Explanation | None:
    """Closed by hand, with Pods on it that a budget does not let go."""
    if not flag(case.obj, "spec", "unschedulable"):
        return None
    held: dict[str, list[Object]] = {}
    budgets: dict[str, Object] = {}
    for pod in _pods(case):
        for budget in budgets_of(case, pod):
            if holds(budget):
                held.setdefault(called(budget), []).append(pod)
                budgets[called(budget)] = budget
    twice = [pod for pod in _pods(case) if len(budgets_of(case, pod)) > 1]
    if twice and not held:
        proof = [*fields(case.obj, ("spec", "unschedulable")), *(fact(pod, "metadata", "labels") for pod in twice[:3])]
        two: dict[str, Any] = {
            "pods": join(map(called, twice)),
            "budgets": join(dict.fromkeys(called(b) for pod in twice for b in budgets_of(case, pod))),
        }
        return case.tell("node.drain-two-budgets", "Ready,SchedulingDisabled", "error", evidence=proof, **two)
    if not held:
        return None
    causes = [found for budget in budgets.values() if (found := case.ask(budget)) is not None and not found.fine]
    pods = join(dict.fromkeys(called(pod) for pods in held.values() for pod in pods))
    proof = [
        *fields(case.obj, ("spec", "unschedulable")),
        *(fact(budget, "status", "disruptionsAllowed") for budget in budgets.values()),
    ]
    told: dict[str, Any] = {"pods": pods, "budgets": join(budgets), "name": case.name}
    return case.tell("node.drain-held", "Ready,SchedulingDisabled", "error", evidence=proof, also=causes, **told)


def _ready(case: Case) -> Explanation | None:
    if text(condition(case.obj, "Ready"), "status") != "True":
        return None
    proof = [condition_fact(case.obj, "Ready"), *fields(case.obj, ("spec", "taints"))]
    return case.tell("node.ready", "Ready", evidence=proof)


NODE: tuple[Matcher, ...] = (_unreachable, _pressure, _recovering, _drain_held, _cordoned, _ready)
