"""Why a Pod that runs is not Ready, and what is known of one that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.errors import nearest
from k8sviz.rules.environment import environment
from k8sviz.rules.fields import flag, integer, listed, mapping, text
from k8sviz.rules.pods import is_ready, pod_status, restarts
from k8sviz.rules.references import references
from k8sviz.why.case import Case, Level, called, condition, condition_fact, event_fact, event_message, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.pods.probes import probe_fact, probe_words
from k8sviz.why.pods.reading import container_spec, exit_words, objects_of, state_fact, statuses
from k8sviz.words import say

__all__ = ["running", "unready"]

JSON = Mapping[str, Any]


_PROBE_SLACK = 5  # seconds that a starting program is given beyond its probe's own patience


def unready(case: Case) -> Explanation | None:
    """The Pod runs and is not Ready."""
    if is_ready(case.obj):
        return None
    for status in listed(case.obj, "status", "containerStatuses"):
        if flag(status, "ready"):
            continue
        found = _unready_container(case, status)
        if found is not None:
            return found
    gates = [text(g, "conditionType") for g in listed(case.obj, "spec", "readinessGates")]
    closed = [gate for gate in gates if text(condition(case.obj, gate), "status") != "True"]
    if closed:
        proof = [case.fact("spec", "readinessGates"), *(condition_fact(case.obj, gate) for gate in closed)]
        return case.tell(
            "pod.readiness-gate", say("why.state.not-ready"), "waiting", evidence=proof, gates=join(closed)
        )
    if text(case.obj, "status", "phase") == "Running":
        proof = [condition_fact(case.obj, "Ready"), condition_fact(case.obj, "ContainersReady")]
        return case.tell("pod.becoming-ready", say("why.state.not-ready"), "waiting", evidence=proof)
    return None


def _unready_container(case: Case, status: JSON) -> Explanation | None:
    name = text(status, "name")
    spec = container_spec(case.obj, name)
    started = text(status, "state", "running", "startedAt")
    if not started:
        return None
    state = say("why.state.not-ready")
    kind = "startup" if mapping(spec, "startupProbe") and not flag(status, "started") else "readiness"
    probe = mapping(spec, f"{kind}Probe")
    proof = [condition_fact(case.obj, "Ready"), probe_fact(case, name, kind)]
    failed = [e for e in case.events_with("Unhealthy") if event_message(e).lower().startswith(kind)]
    told: dict[str, Any] = {"container": name, "kind": kind, "probe": probe_words(probe)}
    if not probe or not failed:
        return case.tell("pod.waits-for-probe", state, "waiting", evidence=proof, **told)
    said = event_message(failed[0]).partition(": ")[2] or event_message(failed[0])
    level: Level = "error" if _was_ready(case, started) or _too_long(case, started, probe) else "waiting"
    proof.append(event_fact(failed[0]))
    return case.tell("pod.probe-failing", state, level, evidence=proof, message=said, **told)


def _was_ready(case: Case, started: str) -> bool:
    """Whether the Pod was Ready since its container started: only then did the condition change after that."""
    return text(condition(case.obj, "Ready"), "lastTransitionTime") > started


def _too_long(case: Case, started: str, probe: JSON) -> bool:
    def seconds(name: str, default: int) -> int:
        found = integer(probe, name)
        return default if found is None else found

    patience = seconds("initialDelaySeconds", 0) + seconds("failureThreshold", 3) * seconds("periodSeconds", 10)
    age = case.age(started)
    return age is not None and age > patience + _PROBE_SLACK


def running(case: Case) -> Explanation | None:
    """The Pod runs and is Ready."""
    if text(case.obj, "status", "phase") != "Running":
        return None
    state = pod_status(case.obj)
    resized = _resizing(case, state) or _volume_unhealthy(case, state) or _empty_sub_path(case, state)
    if resized is not None:
        return resized
    proof = [condition_fact(case.obj, "Ready"), case.fact("spec", "nodeName"), *_left_out(case)]
    again = [s for s in statuses(case.obj) if integer(s, "restartCount")]
    if not again:
        return case.tell("pod.running", state, evidence=proof, node=text(case.obj, "spec", "nodeName"))
    last = [s for s in again if mapping(s, "lastState", "terminated")]
    ended = [say("why.exit.container", name=text(s, "name"), how=exit_words(case, s, "lastState")) for s in last]
    proof += [state_fact(case, status, "lastState") for status in last]
    return case.tell(
        "pod.restarted",
        state,
        evidence=proof,
        count=restarts(case.obj),
        ended="; ".join(ended) or say("why.exit.unknown"),
    )


def _resizing(case: Case, state: str) -> Explanation | None:
    """The Pod's resources were changed in place, and the node has not given it all of that yet."""
    pending = condition(case.obj, "PodResizePending")
    events = case.events_with("ResizeDeferred", "ResizeInfeasible", "ResizeError")[:1]
    proof = [
        condition_fact(case.obj, "PodResizePending"),
        condition_fact(case.obj, "PodResizeInProgress"),
        *map(event_fact, events),
    ]
    message = text(pending, "message") or (event_message(events[0]) if events else say("why.text.no-message"))
    told: dict[str, Any] = {"message": message, "node": text(case.obj, "spec", "nodeName")}
    if text(pending, "status") == "True":
        if text(pending, "reason") == "Infeasible":
            return case.tell("pod.resize-infeasible", state, "error", evidence=proof, **told)
        return case.tell("pod.resize-deferred", state, "waiting", evidence=proof, **told)
    if text(condition(case.obj, "PodResizeInProgress"), "status") == "True":
        return case.tell("pod.resize-in-progress", state, "waiting", evidence=proof, **told)
    return None


def _volume_unhealthy(case: Case, state: str) -> Explanation | None:
    """The volume's driver says that something is wrong with it (CSIVolumeHealth)."""
    events = case.events_with("VolumeConditionAbnormal")
    if not events:
        return None
    message = event_message(events[0])
    return case.tell("pod.volume-unhealthy", state, "warning", evidence=[event_fact(events[0])], message=message)


def _empty_sub_path(case: Case, state: str) -> Explanation | None:
    """A subPath that the ConfigMap or Secret does not have is an empty folder in the container."""
    for use in references(case.obj):
        found = case.find(use.kind, use.name) if use.sub_path and use.key and not use.expression else None
        if found is None:
            continue
        keys = sorted({*mapping(found, "data"), *mapping(found, "binaryData"), *mapping(found, "stringData")})
        if use.key in keys:
            continue
        path = f"spec.containers[{use.container}].volumeMounts[{use.volume}].subPath"
        proof = [
            Evidence(say("why.text.field", path=path, subject=called(case.ref)), use.sub_path),
            Evidence(say("why.text.keys", subject=called(found)), join(keys) or say("why.text.none")),
        ]
        told: dict[str, Any] = {
            "what": f"{use.kind} {use.name}",
            "key": use.key,
            "path": use.target,
            "hint": nearest(use.key, keys),
        }
        return case.tell("pod.empty-sub-path", state, "warning", evidence=proof, container=use.container, **told)
    return None


def _left_out(case: Case) -> list[Evidence]:
    """Optional references that found nothing: the container runs without them."""
    objects, found = objects_of(case), []
    for container in listed(case.obj, "spec", "containers"):
        for reason in environment(case.obj, container, objects).skipped:
            where = f"spec.containers[{text(container, 'name')}]"
            words = say("why.pod-words.optional", reason=say(f"rules.pod.{reason.code}", **reason.facts))
            found.append(Evidence(say("why.text.field", path=where, subject=called(case.ref)), words))
    return found
