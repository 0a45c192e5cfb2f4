"""Why a Pod goes, is over, or stays on a node that does not answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.rules.fields import integer, listed, strings, text
from k8sviz.rules.pods import pod_status
from k8sviz.why.case import Case, called, condition_fact, event_fact, fact, fields, join
from k8sviz.why.finalizers import held_by
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.node import node_is_lost
from k8sviz.why.pods.never_started import never_started
from k8sviz.why.pods.reading import exit_words, node_of, start_problems, state_fact, statuses
from k8sviz.why.pods.scheduling import tolerated_seconds
from k8sviz.words import say

__all__ = ["LOST_TAINTS", "finished", "from_manifest", "on_lost_node", "terminating"]

JSON = Mapping[str, Any]


LOST_TAINTS = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
_OVERDUE = 60  # seconds after which a Pod that should be gone is no longer normal


def from_manifest(case: Case) -> Explanation | None:
    """The Pod comes from a file."""
    if text(case.obj, "status", "phase") or text(case.obj, "metadata", "uid"):
        return None
    lacks = [
        Evidence(called(case.ref), say(f"rules.pod.{reason.code}", **reason.facts)) for reason in start_problems(case)
    ]
    return case.tell("pod.manifest", say("why.state.manifest"), evidence=lacks)


def terminating(case: Case) -> Explanation | None:
    """The Pod is marked for deletion."""
    if not case.deleting:
        return None
    state = pod_status(case.obj)
    node = node_of(case)
    proof = [
        *fields(case.obj, ("metadata", "deletionTimestamp"), ("metadata", "deletionGracePeriodSeconds")),
        condition_fact(case.obj, "DisruptionTarget"),
        case.fact("spec", "nodeName"),
    ]
    if node is not None and node_is_lost(node):
        proof += [condition_fact(node, "Ready"), fact(node, "spec", "taints")]
        return case.tell(
            "pod.terminating-unreachable",
            state,
            "error",
            evidence=proof,
            also=[case.ask(node)],
            node=called(node),
            name=case.name,
        )
    held = strings(case.obj, "metadata", "finalizers")
    if held:
        proof.append(case.fact("metadata", "finalizers"))
        return held_by(case, held, proof, state)
    overdue = case.age(case.deleting)
    seconds = integer(case.obj, "metadata", "deletionGracePeriodSeconds")
    told: dict[str, Any] = {"seconds": say("why.pod-words.some") if seconds is None else seconds}
    if overdue is not None and overdue > _OVERDUE:
        proof += map(
            event_fact, case.events_with("FailedKillPod", "FailedPreStopHook", "FailedSync")[:2] or case.events[:3]
        )
        return case.tell("pod.terminating-overdue", state, "error", evidence=proof, overdue=round(overdue), **told)
    if text(case.obj, "status", "phase") in ("Succeeded", "Failed"):
        proof += [state_fact(case, status) for status in statuses(case.obj)]
        return case.tell("pod.stopped", state, "waiting", evidence=proof)
    proof += map(event_fact, case.events_with("Killing")[:1])
    return case.tell("pod.terminating", state, "waiting", evidence=proof, **told)


def finished(case: Case) -> Explanation | None:
    """Every container is over: done, failed, or evicted."""
    phase = text(case.obj, "status", "phase")
    if phase not in ("Succeeded", "Failed"):
        return None
    ends = [state_fact(case, status) for status in statuses(case.obj)]
    if phase == "Succeeded":
        return case.tell("pod.succeeded", pod_status(case.obj), evidence=[case.fact("status", "phase"), *ends])
    reason = text(case.obj, "status", "reason")
    message = text(case.obj, "status", "message")
    proof = [*fields(case.obj, ("status", "phase"), ("status", "reason"), ("status", "message")), *ends]
    if reason:
        code = "pod.evicted" if reason == "Evicted" else "pod.failed-by"
        return case.tell(
            code,
            pod_status(case.obj),
            "error",
            evidence=proof,
            reason=reason,
            message=message or say("why.text.no-message"),
        )
    unstarted = next((found for s in statuses(case.obj) if (found := never_started(case, s)) is not None), None)
    if unstarted is not None:
        return unstarted
    bad = [s for s in statuses(case.obj) if integer(s, "state", "terminated", "exitCode")]
    ended = join(say("why.exit.container", name=text(s, "name"), how=exit_words(case, s)) for s in bad)
    return case.tell(
        "pod.failed", pod_status(case.obj), "error", evidence=proof, ended=ended or say("why.text.no-message")
    )


def on_lost_node(case: Case) -> Explanation | None:
    """The Pod's node does not answer."""
    node = node_of(case)
    if node is None or not node_is_lost(node):
        return None
    taints = [taint for taint in listed(node, "spec", "taints") if text(taint, "effect") == "NoExecute"]
    lost = next((taint for taint in taints if text(taint, "key") in LOST_TAINTS), {})
    proof = [
        case.fact("spec", "nodeName"),
        condition_fact(node, "Ready"),
        fact(node, "spec", "taints"),
        condition_fact(case.obj, "Ready"),
        *map(event_fact, case.events_with("NodeNotReady", "TaintManagerEviction")[:1]),
    ]
    return case.tell(
        "pod.node-unreachable",
        pod_status(case.obj),
        "error",
        evidence=proof,
        also=[case.ask(node)],
        node=called(node),
        then=_eviction(case, lost),
    )


def _eviction(case: Case, taint: JSON) -> str:
    """When the Pod will be marked for deletion; the taint follows the node's condition a moment later."""
    seconds = tolerated_seconds(case.obj, text(taint, "key") or LOST_TAINTS[0])
    if seconds is None:
        return say("why.pod-words.never-evicted")
    passed = case.age(text(taint, "timeAdded"))
    if passed is None:
        return say("why.pod-words.evicted-after", seconds=seconds)
    return say("why.pod-words.evicted-in", left=max(0, round(seconds - passed)), seconds=seconds)
