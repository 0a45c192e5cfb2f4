"""Why a StatefulSet does not go on: which ordinal it waits for, and what that one waits for.

What comes next is asked of the rules of its controller; here the answer is put beside what the Pods say.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.availability import available_from, is_terminating
from k8sviz.rules.deployment import min_ready_seconds
from k8sviz.rules.fields import integer, text
from k8sviz.rules.pods import is_ready
from k8sviz.rules.services import is_headless
from k8sviz.rules.statefulset import (
    REVISION_LABEL,
    Member,
    Plan,
    is_parallel,
    next_acts,
    ordinal_of,
    partition_of,
    replicas_of,
    start_ordinal,
    updates_on_delete,
)
from k8sviz.why.case import Case, Level, Matcher, called, event_fact, event_message, fact, fields, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.workloads.admitted import refused_by_server
from k8sviz.why.workloads.shared import going, is_superseded, not_seen
from k8sviz.words import say

__all__ = ["STATEFUL_SET"]

JSON = Mapping[str, Any]


# -- the set and its Pods -----------------------------------------------------------------------------------


def _pods(case: Case) -> dict[int, Object]:
    """The Pods by ordinal, the lowest first."""
    numbered = [
        (ordinal_of(text(pod, "metadata", "name"), case.name), pod) for pod in case.snapshot.owned(case.obj, "Pod")
    ]
    return {number: pod for number, pod in sorted(numbered, key=lambda pair: pair[0] or 0) if number is not None}


def _wanted(case: Case) -> range:
    start = start_ordinal(case.obj)
    return range(start, start + replicas_of(case.obj))


def _surplus(case: Case) -> list[Object]:
    return [pod for number, pod in _pods(case).items() if number not in _wanted(case)]


def _running(pod: JSON) -> bool:
    return text(pod, "status", "phase") == "Running" and is_ready(pod)


def _member(case: Case, number: int, pod: JSON) -> Member:
    since = available_from(pod, min_ready_seconds(case.obj))
    ready = _running(pod)
    return Member(
        number,
        text(pod, "metadata", "labels", REVISION_LABEL),
        ready=ready,
        available=ready and since is not None and (case.now is None or since <= case.now),
        terminating=is_terminating(pod),
        over=text(pod, "status", "phase") in ("Succeeded", "Failed"),
    )


def _plan(case: Case) -> Plan:
    """What the controller does next, or waits for."""
    members = [_member(case, number, pod) for number, pod in _pods(case).items()]
    current, update = text(case.obj, "status", "currentRevision"), text(case.obj, "status", "updateRevision")
    return next_acts(case.obj, members, current, update, integer(case.obj, "status", "currentReplicas") or 0)


def _counts(case: Case) -> list[Evidence]:
    return fields(
        case.obj,
        ("spec", "replicas"),
        ("spec", "podManagementPolicy"),
        ("status", "replicas"),
        ("status", "readyReplicas"),
    )


def _revisions(case: Case) -> list[Evidence]:
    return fields(
        case.obj,
        ("spec", "updateStrategy", "type"),
        ("spec", "updateStrategy", "rollingUpdate", "partition"),
        ("status", "currentRevision"),
        ("status", "updateRevision"),
    )


def _name(case: Case, number: int) -> str:
    return f"pod/{case.name}-{number}"


def _names(case: Case, numbers: Iterable[int]) -> str:
    return join(_name(case, number) for number in numbers)


def _old(case: Case) -> list[int]:
    """The ordinals that are not of the newest revision, the highest first: the order of the update."""
    newest = text(case.obj, "status", "updateRevision")
    pods = _pods(case).items()
    old = [number for number, pod in pods if newest and text(pod, "metadata", "labels", REVISION_LABEL) != newest]
    return [number for number in reversed(old) if number in _wanted(case)]


def _level(cause: Explanation | None) -> Level:
    return "error" if cause is not None and cause.error else "waiting"


# -- what it waits for ----------------------------------------------------------------------------------------


def _waits(case: Case) -> Explanation | None:
    plan = _plan(case)
    if plan.waits_for is None:
        return None
    pod = _pods(case).get(plan.waits_for)
    if pod is None:
        return None
    if plan.why == "terminating":
        return _waits_for_end(case, plan.waits_for, pod)
    if plan.why == "not-available":
        return _waits_for_available(case, plan.waits_for, pod)
    return _waits_for_ready(case, plan, pod)


def _waits_for_end(case: Case, number: int, pod: Object) -> Explanation:
    if number not in _wanted(case):
        return _shrinks(case)
    proof = [*_counts(case), fact(pod, "metadata", "deletionTimestamp"), fact(pod, "spec", "nodeName")]
    cause = case.ask(pod)
    return case.tell(
        "stateful.waits-for-end",
        say("why.state.short"),
        _level(cause),
        evidence=proof,
        also=[cause],
        pod=_name(case, number),
    )


def _waits_for_available(case: Case, number: int, pod: Object) -> Explanation:
    proof = [*_counts(case), case.fact("spec", "minReadySeconds"), fact(pod, "status", "phase")]
    return case.tell(
        "stateful.not-available",
        say("why.state.scaling"),
        "waiting",
        evidence=proof,
        pod=_name(case, number),
        seconds=min_ready_seconds(case.obj),
    )


def _waits_for_ready(case: Case, plan: Plan, pod: Object) -> Explanation:
    """A Pod is not Ready: nothing else is made, taken away or updated until it is."""
    number = plan.waits_for or 0
    cause = case.ask(pod)
    state, level = say("why.state.short"), _level(cause)
    proof: list[Evidence | None] = [*_counts(case), fact(pod, "status", "phase")]
    told: dict[str, Any] = {"pod": _name(case, number)}
    surplus = [other for other in _surplus(case) if other is not pod]
    there = _pods(case)
    # the lowest are enough: replicas may be two thousand millions
    missing = list(itertools.islice((n for n in _wanted(case) if n not in there), 20))
    if surplus:
        return case.tell(
            "stateful.scale-down-blocked",
            state,
            level,
            evidence=proof,
            also=[cause],
            surplus=join(map(called, surplus)),
            replicas=replicas_of(case.obj),
            **told,
        )
    if missing:
        return case.tell(
            "stateful.waits-for-ordinal", state, level, evidence=proof, also=[cause], next=_names(case, missing), **told
        )
    if is_superseded(case.obj, pod) and level == "error":
        return _old_blocks(case, pod, cause, proof, told)
    if plan.why == "unhealthy-update":
        return case.tell(
            "stateful.update-blocked",
            state,
            level,
            evidence=[*proof, *_revisions(case)],
            also=[cause],
            old=_names(case, _old(case)),
            **told,
        )
    return case.tell("stateful.pod-not-ready", state, level, evidence=proof, also=[cause], **told)


def _old_blocks(
    case: Case, pod: Object, cause: Explanation | None, proof: list[Evidence | None], told: dict[str, Any]
) -> Explanation:
    """A Pod of an older template is not Ready, and the newer template does not reach it before it is."""
    newest = text(case.obj, "status", "updateRevision")
    pods = _pods(case).values()
    good = [p for p in pods if text(p, "metadata", "labels", REVISION_LABEL) == newest and _running(p)]
    words = say("why.stateful-words.good" if good else "why.stateful-words.changed", pods=join(map(called, good)))
    proof += [fact(pod, "metadata", "labels", REVISION_LABEL), *_revisions(case)]
    return case.tell(
        "stateful.old-pod-blocks",
        say("why.state.short"),
        "error",
        evidence=proof,
        also=[cause],
        old=text(pod, "metadata", "labels", REVISION_LABEL),
        newest=newest,
        template=words,
        name=text(pod, "metadata", "name"),
        **told,
    )


# -- what it does -----------------------------------------------------------------------------------------------


def _acts(case: Case) -> Explanation | None:
    acts = _plan(case).acts
    created = [act.ordinal for act in acts if act.verb == "create"]
    if created:
        return _creates(case, created[0])
    if _surplus(case):
        return _shrinks(case)
    due = [act.ordinal for act in acts if act.verb == "delete"]
    if not due:
        return None
    old = [number for number in _old(case) if number >= partition_of(case.obj)] or due
    return case.tell(
        "stateful.updating",
        say("why.state.under-way"),
        "waiting",
        evidence=_revisions(case),
        next=_name(case, due[0]),
        pods=_names(case, old),
    )


def _creates(case: Case, number: int) -> Explanation:
    failed = [event for event in case.events_with("FailedCreate") if name_of(case, number) in event_message(event)]
    failed = failed or case.events_with("FailedCreate")
    proof: list[Evidence | None] = [*_counts(case), *map(event_fact, failed[:1])]
    name = _name(case, number)
    taken = _in_the_way(case, number)
    if failed and taken is not None:
        owner = case.snapshot.owner(taken)
        whose = called(owner) if owner else say("why.stateful-words.nobody")
        proof.append(fact(taken, "metadata", "uid"))
        told: dict[str, Any] = {"pod": name, "whose": whose, "name": name.partition("/")[2]}
        return case.tell("stateful.name-taken", say("why.state.short"), "error", evidence=proof, **told)
    refused = refused_by_server(case, event_message(failed[0]), proof) if failed else None
    if refused is not None and refused.code != "pods-refused":
        return refused
    if failed:
        return case.tell(
            "stateful.create-failed",
            say("why.state.short"),
            "error",
            evidence=proof,
            pod=name,
            message=event_message(failed[0]),
        )
    return case.tell("stateful.creating", say("why.state.scaling"), "waiting", evidence=proof, pod=name)


def name_of(case: Case, number: int) -> str:
    """The name of the Pod of an ordinal."""
    return f"{case.name}-{number}"


def _in_the_way(case: Case, number: int) -> Object | None:
    """A Pod of the name that the set needs, and that is not the set's."""
    there = case.find("Pod", name_of(case, number))
    owner = case.snapshot.owner(there) if there is not None else None
    mine = owner is not None and text(owner, "metadata", "uid") == text(case.obj, "metadata", "uid")
    return None if mine else there


def _service(case: Case) -> Explanation | None:
    """The Service that gives the Pods their names is missing, or is not headless."""
    name = text(case.obj, "spec", "serviceName")
    if not name or not case.knows("Service"):
        return None
    service = case.find("Service", name)
    proof = [case.fact("spec", "serviceName"), fact(service or {}, "spec", "clusterIP")]
    pods = _pods(case)
    told: dict[str, Any] = {"service": name, "pod": f"{case.name}-{next(iter(pods), start_ordinal(case.obj))}"}
    state = say("why.state.complete")
    if service is None:
        return case.tell("stateful.service-missing", state, "warning", evidence=proof, **told)
    if not is_headless(service):
        return case.tell("stateful.service-not-headless", state, "warning", evidence=proof, **told)
    return None


def _shrinks(case: Case) -> Explanation:
    surplus = _surplus(case)
    proof = [*_counts(case), *(fact(pod, "metadata", "deletionTimestamp") for pod in surplus)]
    causes = [found for pod in surplus if is_terminating(pod) and (found := case.ask(pod)) is not None and found.error]
    level: Level = "error" if causes else "waiting"
    return case.tell(
        "stateful.scaling-down",
        say("why.state.scaling"),
        level,
        evidence=proof,
        also=causes,
        surplus=join(map(called, reversed(surplus))),
        replicas=replicas_of(case.obj),
    )


# -- when nothing is to be done -----------------------------------------------------------------------------------


def _unready_beside(case: Case) -> Explanation | None:
    """Under Parallel nobody waits for a Pod that is not Ready; it is not Ready all the same."""
    for number, pod in _pods(case).items():
        if is_parallel(case.obj) and not _running(pod):
            cause = case.ask(pod)
            proof = [*_counts(case), fact(pod, "status", "phase")]
            return case.tell(
                "stateful.parallel",
                say("why.state.short"),
                _level(cause),
                evidence=proof,
                also=[cause],
                pod=_name(case, number),
            )
    return None


def _keeps_old(case: Case) -> Explanation | None:
    old = _old(case)
    if not old:
        return None
    if updates_on_delete(case.obj):
        return case.tell(
            "stateful.on-delete",
            say("why.state.under-way"),
            "waiting",
            evidence=_revisions(case),
            pods=_names(case, old),
        )
    return case.tell(
        "stateful.partitioned",
        say("why.state.complete"),
        evidence=_revisions(case),
        partition=partition_of(case.obj),
        pods=_names(case, old),
    )


def _complete(case: Case) -> Explanation:
    pods = join(map(called, _pods(case).values())) or say("why.text.none")
    return case.tell("stateful.complete", say("why.state.complete"), evidence=_counts(case), pods=pods)


STATEFUL_SET: tuple[Matcher, ...] = (going, not_seen, _waits, _acts, _unready_beside, _keeps_old, _service, _complete)
