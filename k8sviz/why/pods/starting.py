"""Why a Pod on its node has not started yet: its sandbox, its init containers, a container that has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.pods import pod_status
from k8sviz.why.case import Case, event_fact, event_message
from k8sviz.why.model import Explanation
from k8sviz.why.pods.never_started import never_started
from k8sviz.why.pods.reading import container_spec, exit_words, has_started, state_fact, statuses
from k8sviz.words import say

__all__ = ["container_ended", "initializing", "sandbox_failed", "starting"]

JSON = Mapping[str, Any]


def sandbox_failed(case: Case) -> Explanation | None:
    """The node cannot make the Pod's sandbox or network."""
    if has_started(case):
        return None
    devices = case.events_with("FailedPrepareDynamicResources")
    if devices:
        return case.tell(
            "pod.devices-unprepared",
            pod_status(case.obj),
            "error",
            evidence=[event_fact(devices[0]), case.fact("spec", "resourceClaims")],
            message=event_message(devices[0]),
            node=text(case.obj, "spec", "nodeName"),
        )
    failed = case.events_with("FailedCreatePodSandBox", "FailedPodSandBoxStatus", "NetworkNotReady")
    if not failed:
        return None
    return case.tell(
        "pod.sandbox-failed",
        pod_status(case.obj),
        "error",
        evidence=[event_fact(failed[0])],
        message=event_message(failed[0]),
        node=text(case.obj, "spec", "nodeName"),
    )


def initializing(case: Case) -> Explanation | None:
    """An init container is at work, or has failed."""
    for status in listed(case.obj, "status", "initContainerStatuses"):
        name, ended = text(status, "name"), mapping(status, "state", "terminated")
        sidecar = text(container_spec(case.obj, name), "restartPolicy") == "Always"
        if "running" in mapping(status, "state") and not sidecar:
            return case.tell(
                "container.init-running",
                pod_status(case.obj),
                "waiting",
                evidence=[state_fact(case, status)],
                container=name,
            )
        unstarted = never_started(case, status) if ended else None
        if unstarted is not None:
            return unstarted
        if ended and integer(ended, "exitCode"):
            return case.tell(
                "container.init-failed",
                pod_status(case.obj),
                "error",
                evidence=[state_fact(case, status)],
                container=name,
                ended=exit_words(case, status),
            )
    return None


def container_ended(case: Case) -> Explanation | None:
    """A container has ended and is about to be started again."""
    if text(case.obj, "spec", "restartPolicy") == "Never":
        return None
    for status in listed(case.obj, "status", "containerStatuses"):
        ended = mapping(status, "state", "terminated")
        if not ended:
            continue
        unstarted = never_started(case, status)
        if unstarted is not None:
            return unstarted
        bad = bool(integer(ended, "exitCode"))
        if not bad and text(case.obj, "spec", "restartPolicy") == "OnFailure":
            continue
        return case.tell(
            "container.ended",
            pod_status(case.obj),
            "error" if bad else "waiting",
            evidence=[state_fact(case, status)],
            container=text(status, "name"),
            ended=exit_words(case, status),
            count=integer(status, "restartCount") or 0,
        )
    return None


def starting(case: Case) -> Explanation | None:
    """The node is at work on the Pod."""
    if text(case.obj, "status", "phase") != "Pending":
        return None
    proof = [case.fact("spec", "nodeName"), *(state_fact(case, status) for status in statuses(case.obj))]
    pulling, pulled = case.events_with("Pulling"), case.events_with("Pulled")
    doing = say("why.doing.setting-up")
    owners = case.events_with("VolumePermissionChangeInProgress")
    if owners:
        doing = say("why.doing.changing-owners")
        proof.append(event_fact(owners[0]))
    if len(pulling) > len(pulled):
        doing = say("why.doing.pulling")
        proof.append(event_fact(pulling[0]))
    return case.tell(
        "pod.starting",
        pod_status(case.obj),
        "waiting",
        evidence=proof,
        doing=doing,
        node=text(case.obj, "spec", "nodeName"),
    )
