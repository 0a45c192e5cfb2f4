"""Why a rollout stands still or goes on: a Deployment, its ReplicaSets and the Pod that holds them up.

A Deployment says little by itself; the cause is nearly always one of the new version's Pods, so it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.availability import is_terminating
from k8sviz.rules.deployment import (
    REVISION,
    is_paused,
    min_ready_seconds,
    progress_deadline,
    same_template,
    uses_recreate,
)
from k8sviz.rules.fields import integer, mapping, text
from k8sviz.rules.pods import is_ready
from k8sviz.rules.rollout import rollout_bounds
from k8sviz.rules.statefulset import replicas_of
from k8sviz.why.case import Case, Matcher, called, condition, condition_fact, event_fact, event_message, fields, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.reaching import is_manifest, same_selector
from k8sviz.why.workloads.shared import counts, going, living, not_seen, pod_troubles, pods_refused
from k8sviz.why.workloads.surge import in_a_circle
from k8sviz.words import say

__all__ = ["DEPLOYMENT", "complete"]

JSON = Mapping[str, Any]


def _replica_sets(case: Case) -> tuple[Object | None, list[Object]]:
    """The ReplicaSet of the Deployment's present template, and the others."""
    owned = case.snapshot.owned(case.obj, "ReplicaSet")
    wanted = mapping(case.obj, "spec", "template")
    new = next((found for found in owned if same_template(mapping(found, "spec", "template"), wanted)), None)
    return new, [found for found in owned if found is not new]


def _new_pods(case: Case) -> list[Object]:
    new, _ = _replica_sets(case)
    return living(case.snapshot.owned(new, "Pod")) if new is not None else []


def _old_pods(case: Case) -> list[Object]:
    return [pod for old in _replica_sets(case)[1] for pod in case.snapshot.owned(old, "Pod")]


def complete(obj: JSON) -> bool:
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
    proof = [*fields(case.obj, ("spec", "paused")), condition_fact(case.obj, "Progressing"), *counts(case, *_COUNTS)]
    if new is not None and complete(case.obj):
        return case.tell("rollout.paused-idle", say("why.state.paused"), "waiting", evidence=proof, name=case.name)
    if new is None:
        return case.tell("rollout.paused-before", say("why.state.paused"), "waiting", evidence=proof, name=case.name)
    return case.tell(
        "rollout.paused",
        say("why.state.paused"),
        "waiting",
        evidence=proof,
        also=pod_troubles(case, _new_pods(case)),
        **_numbers(case),
    )


def _not_made(case: Case) -> Explanation | None:
    """The controller cannot make a ReplicaSet, or will not: its selector means every Pod."""
    progress = condition(case.obj, "Progressing")
    events = case.events_with("SelectingAll", "ReplicaSetCreateError")
    if text(progress, "reason") != "ReplicaSetCreateError" and not events:
        return None
    message = event_message(events[0]) if events else text(progress, "message")
    proof = [condition_fact(case.obj, "Progressing"), *map(event_fact, events[:1]), case.fact("spec", "selector")]
    return case.tell("rollout.set-not-made", say("why.state.stuck"), "error", evidence=proof, message=message)


def _in_a_circle(case: Case) -> Explanation | None:
    return None if complete(case.obj) else in_a_circle(case, _new_pods(case), living(_old_pods(case)))


def _deadline(case: Case) -> Explanation | None:
    if text(condition(case.obj, "Progressing"), "reason") != "ProgressDeadlineExceeded" or complete(case.obj):
        return None
    causes = pod_troubles(case, _new_pods(case))
    proof = [
        condition_fact(case.obj, "Progressing"),
        *fields(case.obj, ("spec", "progressDeadlineSeconds")),
        *counts(case, *_COUNTS),
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


def _same_in_files(case: Case) -> Explanation | None:
    return same_selector(case) if is_manifest(case.obj) else None


def _same_selector(case: Case) -> Explanation | None:
    return same_selector(case) if complete(case.obj) else None


def _rolled_out(case: Case) -> Explanation | None:
    if not complete(case.obj):
        return None
    proof = [condition_fact(case.obj, "Progressing"), *counts(case, *_COUNTS)]
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
    # under Recreate no new Pod is made before the old ones are gone
    causes = pod_troubles(case, _new_pods(case) or _old_pods(case))
    proof = [condition_fact(case.obj, "Progressing"), *counts(case, *_COUNTS), *_settings(case)]
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
    if patience and (integer(case.obj, "status", "availableReplicas") or 0) < len(living(old)) + len(new):
        return say("why.rollout-words.until-available", seconds=patience)
    if living(old):
        return say("why.rollout-words.replacing", pods=join(map(called, living(old))))
    return say("why.rollout-words.next")


DEPLOYMENT: tuple[Matcher, ...] = (
    going,
    _same_in_files,
    not_seen,
    _paused,
    _not_made,
    pods_refused,
    _in_a_circle,
    _deadline,
    _same_selector,
    _rolled_out,
    _under_way,
)
