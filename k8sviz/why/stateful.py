"""Why a StatefulSet does not go on: which ordinal it waits for, and what that one waits for.

The order of the questions is the controller's own: pkg/controller/statefulset/stateful_set_control.go,
updateStatefulSet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules._fields import integer, text
from k8sviz.rules.pods import is_ready
from k8sviz.why.case import Case, Level, Matcher, called, event_fact, fact, fields, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.rollout import desired, going, not_seen
from k8sviz.words import say

__all__ = ["STATEFUL_SET", "ordinal"]

JSON = Mapping[str, Any]

_HASH = "controller-revision-hash"


def ordinal(pod: JSON) -> int:
    """A StatefulSet Pod's number; -1 when its name has none.

    >>> ordinal({"metadata": {"name": "kubia-12"}}), ordinal({"metadata": {"name": "kubia"}})
    (12, -1)
    """
    found = re.search(r"-(\d{1,9})\Z", text(pod, "metadata", "name"))
    return int(found[1]) if found else -1


def _pods(case: Case) -> dict[int, Object]:
    return dict(sorted((ordinal(pod), pod) for pod in case.snapshot.owned(case.obj, "Pod")))


def _wanted(case: Case) -> range:
    start = integer(case.obj, "spec", "ordinals", "start") or 0
    return range(start, start + desired(case.obj))


def _parallel(case: Case) -> bool:
    return text(case.obj, "spec", "podManagementPolicy") == "Parallel"


def _healthy(pod: JSON) -> bool:
    """Running, Ready and not being deleted (isHealthy)."""
    return (
        text(pod, "status", "phase") == "Running" and is_ready(pod) and not text(pod, "metadata", "deletionTimestamp")
    )


def _counts(case: Case) -> list[Evidence]:
    return fields(
        case.obj,
        ("spec", "replicas"),
        ("spec", "podManagementPolicy"),
        ("status", "replicas"),
        ("status", "readyReplicas"),
    )


def _name(case: Case, number: int) -> str:
    return f"pod/{case.name}-{number}"


def _surplus(case: Case) -> list[Object]:
    return [pod for number, pod in _pods(case).items() if number not in _wanted(case)]


def _waits_for(case: Case) -> Explanation | None:
    """The lowest ordinal that is to be there, and is missing, going or not Ready."""
    pods = _pods(case)
    for number in _wanted(case):
        pod = pods.get(number)
        if pod is None:
            return _missing(case, number)
        if text(pod, "metadata", "deletionTimestamp"):
            return _ending(case, number, pod)
        if not _healthy(pod):
            return _unhealthy(case, number, pod)
    return None


def _missing(case: Case, number: int) -> Explanation:
    proof = [*_counts(case), *map(event_fact, case.events_with("FailedCreate")[:1])]
    name = _name(case, number)
    failed = case.events_with("FailedCreate")
    if failed:
        return case.tell("stateful.create-failed", say("why.state.short"), "error", evidence=proof, pod=name,
                         message=text(failed[0], "message"))  # fmt: skip
    return case.tell("stateful.creating", say("why.state.scaling"), "waiting", evidence=proof, pod=name)


def _ending(case: Case, number: int, pod: Object) -> Explanation:
    proof = [*_counts(case), fact(pod, "metadata", "deletionTimestamp"), fact(pod, "spec", "nodeName")]
    cause = case.ask(pod)
    level: Level = "error" if cause is not None and cause.error else "waiting"
    return case.tell("stateful.waits-for-end", say("why.state.short"), level, evidence=proof, also=[cause],
                     pod=_name(case, number))  # fmt: skip


def _unhealthy(case: Case, number: int, pod: Object) -> Explanation:
    """A Pod that is to stay is not Ready: under OrderedReady nothing else is made, deleted or updated until it is."""
    proof = [*_counts(case), fact(pod, "status", "phase")]
    cause = case.ask(pod)
    level: Level = "error" if cause is not None and cause.error else "waiting"
    state = say("why.state.short")
    told: dict[str, Any] = {"pod": _name(case, number), "name": case.name}
    if _parallel(case):
        return case.tell("stateful.parallel", state, level, evidence=proof, also=[cause], **told)
    surplus = _surplus(case)
    missing = [n for n in _wanted(case) if n not in _pods(case)]
    if surplus:
        return case.tell("stateful.scale-down-blocked", state, level, evidence=proof, also=[cause],
                         surplus=join(map(called, surplus)), replicas=desired(case.obj), **told)  # fmt: skip
    if missing:
        return case.tell("stateful.waits-for-ordinal", state, level, evidence=proof, also=[cause],
                         next=join(_name(case, n) for n in missing), **told)  # fmt: skip
    return case.tell("stateful.pod-not-ready", state, level, evidence=proof, also=[cause], **told)


def _scales_down(case: Case) -> Explanation | None:
    surplus = _surplus(case)
    if not surplus:
        return None
    proof = [*_counts(case), *(fact(pod, "metadata", "deletionTimestamp") for pod in surplus)]
    # the highest goes first, unless a lower one that is to go too is not healthy
    unhealthy = [pod for pod in surplus[:-1] if not _healthy(pod) and not text(pod, "metadata", "deletionTimestamp")]
    if unhealthy and not _parallel(case) and not text(surplus[-1], "metadata", "deletionTimestamp"):
        cause = case.ask(unhealthy[0])
        return case.tell("stateful.scale-down-blocked", say("why.state.short"), "error", evidence=proof, also=[cause],
                         pod=called(unhealthy[0]), name=case.name, surplus=join(map(called, surplus)),
                         replicas=desired(case.obj))  # fmt: skip
    causes = [found for pod in surplus if (found := case.ask(pod)) is not None and found.error]
    level: Level = "error" if causes and not _parallel(case) else "waiting"
    stuck = [cause for cause in causes if cause.state == say("why.state.terminating")]
    return case.tell("stateful.scaling-down", say("why.state.scaling"), level if stuck else "waiting", evidence=proof,
                     also=causes, surplus=join(map(called, reversed(surplus))), replicas=desired(case.obj))  # fmt: skip


def _old(case: Case) -> list[int]:
    """The ordinals that are not of the newest revision."""
    newest = text(case.obj, "status", "updateRevision")
    return [n for n, pod in _pods(case).items() if newest and text(pod, "metadata", "labels", _HASH) != newest]


def _updates(case: Case) -> Explanation | None:
    old = _old(case)
    if not old:
        return None
    proof = [
        *fields(
            case.obj,
            ("spec", "updateStrategy", "type"),
            ("spec", "updateStrategy", "rollingUpdate", "partition"),
            ("status", "currentRevision"),
            ("status", "updateRevision"),
        )
    ]
    if text(case.obj, "spec", "updateStrategy", "type") == "OnDelete":
        return case.tell("stateful.on-delete", say("why.state.under-way"), "waiting", evidence=proof,
                         pods=join(_name(case, n) for n in old))  # fmt: skip
    partition = integer(case.obj, "spec", "updateStrategy", "rollingUpdate", "partition") or 0
    due = [n for n in old if n >= partition]
    if not due:
        return case.tell("stateful.partitioned", say("why.state.complete"), evidence=proof, partition=partition,
                         pods=join(_name(case, n) for n in old))  # fmt: skip
    return case.tell("stateful.updating", say("why.state.under-way"), "waiting", evidence=proof,
                     next=_name(case, max(due)), pods=join(_name(case, n) for n in reversed(due)))  # fmt: skip


def _complete(case: Case) -> Explanation:
    pods = join(map(called, _pods(case).values())) or say("why.text.none")
    return case.tell("stateful.complete", say("why.state.complete"), evidence=_counts(case), pods=pods)


STATEFUL_SET: tuple[Matcher, ...] = (going, not_seen, _waits_for, _scales_down, _updates, _complete)
