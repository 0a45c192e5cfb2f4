"""Why a container waits: its settings, its image, its start, or a pause after it ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from k8sviz.rules.fields import integer, mapping, text
from k8sviz.rules.pods import pod_status
from k8sviz.why.case import Case, event_fact
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.pods.images import image_name, image_never, image_pull
from k8sviz.why.pods.needs import NOT_FOUND, missing_object, reference_facts
from k8sviz.why.pods.reading import STARTING, exit_words, state_fact, statuses
from k8sviz.words import say

__all__ = ["container_waits"]

JSON = Mapping[str, Any]


def container_waits(case: Case) -> Explanation | None:
    """A container waits for something of its own."""
    for status in statuses(case.obj):
        reason = text(status, "state", "waiting", "reason")
        if reason in STARTING:
            continue
        explain = _WAITS.get(reason, _waits_otherwise)
        return explain(case, status, text(status, "state", "waiting", "message"))
    return None


def _config_error(case: Case, status: JSON, message: str) -> Explanation:
    name = text(status, "name")
    proof: list[Evidence | None] = [state_fact(case, status), *map(event_fact, case.events_with("Failed")[:1])]
    missing = NOT_FOUND.search(message)
    where = say("why.pod-words.container", name=name)
    if missing:
        kind = "Secret" if missing["kind"].lower() == "secret" else "ConfigMap"
        proof += reference_facts(case, name, kind, missing["name"])
        return missing_object(case, kind, missing["name"], "", proof, where)
    key = re.search(r"couldn't find key (?P<key>\S+) in (?P<kind>ConfigMap|Secret) [^/\s]*/?(?P<name>\S+)", message)
    if key:
        proof += reference_facts(case, name, key["kind"], key["name"])
        return missing_object(case, key["kind"], key["name"], key["key"], proof, where)
    if "runAsNonRoot" in message:
        return case.tell("config.runs-as-root", pod_status(case.obj), "error", evidence=proof, container=name)
    return case.tell(
        "config.create-error",
        pod_status(case.obj),
        "error",
        evidence=proof,
        container=name,
        message=message or say("why.text.no-message"),
    )


def _crash_loop(case: Case, status: JSON, message: str) -> Explanation:  # noqa: ARG001
    last = mapping(status, "lastState", "terminated")
    proof = [
        state_fact(case, status),
        state_fact(case, status, "lastState") if last else None,
        *map(event_fact, case.events_with("Unhealthy", "BackOff")[:2]),
    ]
    return case.tell(
        "container.crash-loop",
        pod_status(case.obj),
        "error",
        evidence=proof,
        container=text(status, "name"),
        count=integer(status, "restartCount") or 0,
        ended=exit_words(last),
        name=case.name,
    )


def _start_failed(case: Case, status: JSON, message: str) -> Explanation:
    proof = [state_fact(case, status), *map(event_fact, case.events_with("Failed")[:1])]
    return case.tell(
        "container.start-failed",
        pod_status(case.obj),
        "error",
        evidence=proof,
        container=text(status, "name"),
        message=message or say("why.text.no-message"),
    )


def _waits_otherwise(case: Case, status: JSON, message: str) -> Explanation:
    proof = [state_fact(case, status), *map(event_fact, case.events[:3])]
    return case.tell(
        "container.waits",
        pod_status(case.obj),
        "error",
        evidence=proof,
        container=text(status, "name"),
        reason=text(status, "state", "waiting", "reason"),
        message=message or say("why.text.no-message"),
    )


_WAITS: dict[str, Callable[[Case, JSON, str], Explanation]] = {
    "CreateContainerConfigError": _config_error,
    "CreateContainerError": _start_failed,
    "RunContainerError": _start_failed,
    "PostStartHookError": _start_failed,
    "ErrImagePull": image_pull,
    "ImagePullBackOff": image_pull,
    "RegistryUnavailable": image_pull,
    "InvalidImageName": image_name,
    "ErrImageNeverPull": image_never,
    "CrashLoopBackOff": _crash_loop,
}
