"""Why a rollout stands still or goes on: a Deployment, its ReplicaSets and the Pod that holds them up.

A Deployment says little by itself; the cause is nearly always one of the new version's Pods, so it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.availability import is_active, is_terminating
from k8sviz.rules.deployment import (
    REVISION,
    is_paused,
    min_ready_seconds,
    progress_deadline,
    same_template,
    uses_recreate,
)
from k8sviz.rules.fields import integer, mapping, strings, text
from k8sviz.rules.pods import is_ready
from k8sviz.rules.rollout import rollout_bounds
from k8sviz.rules.statefulset import replicas_of
from k8sviz.why.case import Case, Level, Matcher, called, condition, condition_fact, event_fact, fields, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = ["DEPLOYMENT", "REPLICA_SET", "going", "not_seen", "pods_refused"]

JSON = Mapping[str, Any]


# -- what all controllers of Pods share -------------------------------------------------------------------


def going(case: Case) -> Explanation | None:
    """The object is marked for deletion."""
    if not case.deleting:
        return None
    held = strings(case.obj, "metadata", "finalizers")
    proof = fields(case.obj, ("metadata", "deletionTimestamp"), ("metadata", "finalizers"))
    state = say("why.state.terminating")
    if held:
        return case.tell("object.finalizers", state, "waiting", evidence=proof, finalizers=join(held))
    return case.tell("object.going", state, "waiting", evidence=proof)


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
        message = text(failure, "message") or (text(events[0], "message") if events else "")
        proof = [condition_fact(obj, "ReplicaFailure"), *map(event_fact, events[:1])]
        code = "rollout.quota" if "exceeded quota" in message else "rollout.pods-refused"
        return case.tell(code, say("why.state.short"), "error", evidence=proof, message=message)
    return None


def _short(obj: JSON) -> bool:
    return (integer(obj, "status", "replicas") or 0) < replicas_of(obj)


def _count(case: Case, *names: str) -> list[Evidence]:
    return fields(case.obj, ("spec", "replicas"), *(("status", name) for name in names))


def _troubles(case: Case, pods: Sequence[Object]) -> list[Explanation]:
    """What is not fine about these Pods, errors first; each cause told once."""
    found: dict[tuple[str, str], Explanation] = {}
    for pod in pods:
        explanation = case.ask(pod)
        if explanation is not None and not explanation.fine:
            found.setdefault((explanation.code, explanation.subject_text), explanation)
    return sorted(found.values(), key=lambda explanation: not explanation.error)[:3]


def _living(pods: Sequence[Object]) -> list[Object]:
    return [pod for pod in pods if is_active(pod)]


# -- Deployments --------------------------------------------------------------------------------------------


def _replica_sets(case: Case) -> tuple[Object | None, list[Object]]:
    """The ReplicaSet of the Deployment's present template, and the others."""
    owned = case.snapshot.owned(case.obj, "ReplicaSet")
    wanted = mapping(case.obj, "spec", "template")
    new = next((found for found in owned if same_template(mapping(found, "spec", "template"), wanted)), None)
    return new, [found for found in owned if found is not new]


def _new_pods(case: Case) -> list[Object]:
    new, _ = _replica_sets(case)
    return _living(case.snapshot.owned(new, "Pod")) if new is not None else []


def _old_pods(case: Case) -> list[Object]:
    return [pod for old in _replica_sets(case)[1] for pod in case.snapshot.owned(old, "Pod")]


def _complete(obj: JSON) -> bool:
    """Whether every Pod is of the newest version and available (DeploymentComplete)."""
    counts = [integer(obj, "status", name) or 0 for name in ("updatedReplicas", "replicas", "availableReplicas")]
    return all(count == replicas_of(obj) for count in counts)


def _numbers(case: Case) -> dict[str, Any]:
    bounds = rollout_bounds(case.obj)
    status = mapping(case.obj, "status")
    return {
        "replicas": bounds.replicas,
        # the status lags behind the Pods that are there already
        "updated": max(integer(status, "updatedReplicas") or 0, len(_new_pods(case))),
        "total": integer(status, "replicas") or 0,
        "available": integer(status, "availableReplicas") or 0,
        "most": bounds.max_total,
        "least": bounds.min_available,
        "name": case.name,
    }


_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


def _settings(case: Case) -> list[Evidence]:
    return fields(
        case.obj,
        ("spec", "strategy", "type"),
        ("spec", "strategy", "rollingUpdate", "maxSurge"),
        ("spec", "strategy", "rollingUpdate", "maxUnavailable"),
        ("spec", "minReadySeconds"),
    )


def _paused(case: Case) -> Explanation | None:
    if not is_paused(case.obj):
        return None
    new, _ = _replica_sets(case)
    proof = [*fields(case.obj, ("spec", "paused")), condition_fact(case.obj, "Progressing"), *_count(case, *_COUNTS)]
    if new is not None and _complete(case.obj):
        return case.tell("rollout.paused-idle", say("why.state.paused"), "waiting", evidence=proof, name=case.name)
    if new is None:
        return case.tell("rollout.paused-before", say("why.state.paused"), "waiting", evidence=proof, name=case.name)
    return case.tell(
        "rollout.paused",
        say("why.state.paused"),
        "waiting",
        evidence=proof,
        also=_troubles(case, _new_pods(case)),
        **_numbers(case),
    )


def _deadline(case: Case) -> Explanation | None:
    if text(condition(case.obj, "Progressing"), "reason") != "ProgressDeadlineExceeded" or _complete(case.obj):
        return None
    causes = _troubles(case, _new_pods(case))
    proof = [
        condition_fact(case.obj, "Progressing"),
        *fields(case.obj, ("spec", "progressDeadlineSeconds")),
        *_count(case, *_COUNTS),
        *_settings(case),
    ]
    because = causes[0].summary if causes else _doing(case)
    return case.tell(
        "rollout.deadline",
        say("why.state.stuck"),
        "error",
        evidence=proof,
        also=causes,
        because=because,
        seconds=progress_deadline(case.obj),
        **_numbers(case),
    )


def _rolled_out(case: Case) -> Explanation | None:
    if not _complete(case.obj):
        return None
    proof = [condition_fact(case.obj, "Progressing"), *_count(case, *_COUNTS)]
    left = [pod for pod in _old_pods(case) if is_terminating(pod)]
    revision = text(case.obj, "metadata", "annotations", REVISION)
    if not replicas_of(case.obj):
        return case.tell("rollout.none-wanted", say("why.state.complete"), evidence=proof)
    going_on = say("why.rollout-words.still-going", pods=join(map(called, left))) if left else ""
    return case.tell(
        "rollout.complete",
        say("why.state.complete"),
        evidence=proof,
        revision=revision or "?",
        left=going_on,
        **_numbers(case),
    )


def _under_way(case: Case) -> Explanation | None:
    causes = _troubles(case, _new_pods(case))
    proof = [condition_fact(case.obj, "Progressing"), *_count(case, *_COUNTS), *_settings(case)]
    if causes and causes[0].error:
        return case.tell(
            "rollout.held-up",
            say("why.state.held-up"),
            "error",
            evidence=proof,
            also=causes,
            because=causes[0].summary,
            **_numbers(case),
        )
    return case.tell(
        "rollout.progressing",
        say("why.state.under-way"),
        "waiting",
        evidence=proof,
        also=causes,
        doing=_doing(case),
        **_numbers(case),
    )


def _doing(case: Case) -> str:
    """What the controller waits for just now."""
    new = _new_pods(case)
    old = _old_pods(case)
    if uses_recreate(case.obj) and old and not new:
        return say("why.rollout-words.recreate", pods=join(map(called, old)))
    unready = [pod for pod in new if not is_ready(pod)]
    if unready:
        return say("why.rollout-words.until-ready", pods=join(map(called, unready)))
    patience = min_ready_seconds(case.obj)
    if patience and (integer(case.obj, "status", "availableReplicas") or 0) < len(_living(old)) + len(new):
        return say("why.rollout-words.until-available", seconds=patience)
    if _living(old):
        return say("why.rollout-words.replacing", pods=join(map(called, _living(old))))
    return say("why.rollout-words.next")


DEPLOYMENT: tuple[Matcher, ...] = (going, not_seen, _paused, pods_refused, _deadline, _rolled_out, _under_way)


# -- ReplicaSets and ReplicationControllers -------------------------------------------------------------------


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
    counts = [integer(case.obj, "status", name) or 0 for name in ("replicas", "readyReplicas")]
    if any(count != wanted for count in counts):
        return None
    proof = _count(case, "replicas", "readyReplicas")
    return case.tell("replicas.complete", say("why.state.complete"), evidence=proof, wanted=wanted)


def _scaling(case: Case) -> Explanation | None:
    wanted, there = replicas_of(case.obj), integer(case.obj, "status", "replicas") or 0
    pods = _living(case.snapshot.owned(case.obj, "Pod"))
    proof = _count(case, "replicas", "readyReplicas", "availableReplicas")
    told: dict[str, Any] = {"wanted": wanted, "there": there}
    if there > wanted:
        return case.tell("replicas.too-many", say("why.state.scaling"), "waiting", evidence=proof, **told)
    causes = _troubles(case, pods)
    level: Level = "error" if causes and causes[0].error else "waiting"
    told["ready"] = integer(case.obj, "status", "readyReplicas") or 0
    return case.tell("replicas.not-ready", say("why.state.short"), level, evidence=proof, also=causes, **told)


REPLICA_SET: tuple[Matcher, ...] = (going, not_seen, pods_refused, _kept, _all_there, _scaling)
