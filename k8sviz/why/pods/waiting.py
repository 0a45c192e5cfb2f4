"""Why a container waits: its settings, its image, its start, or a pause after it ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.pods import pod_status
from k8sviz.why.case import Case, event_fact, event_message
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.pods.images import image_name, image_never, image_pull
from k8sviz.why.pods.needs import NOT_FOUND, missing_object, reference_facts
from k8sviz.why.pods.never_started import never_started, start_failed
from k8sviz.why.pods.probes import probe_fact, probe_said
from k8sviz.why.pods.reading import (
    STARTING,
    container_spec,
    exit_words,
    killing_probe,
    limit_facts,
    on_disk,
    state_fact,
    statuses,
    volume_fact,
)
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
    found = _path_of_volume(case, name, message, proof)
    if found is not None:
        return found
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


_NO_PATH = re.compile(
    r"(?:l?stat|open|readlink|mkdir) (?P<path>/\S+): (?P<why>no such file or directory|not a directory)"
)
_SUB_PATH = re.compile(r"subPath (?:directory )?for volumeMount \"?(?P<mount>[^\"\s]+)\"?")


def _path_of_volume(case: Case, name: str, message: str, proof: list[Evidence | None]) -> Explanation | None:
    """A subPath needs its volume's folder on the node, which is looked at only when the container is made."""
    node, state = text(case.obj, "spec", "nodeName"), pod_status(case.obj)
    proof = [*proof, case.fact("spec", "nodeName")]
    missing = _NO_PATH.search(message)
    whose = on_disk(case, missing["path"]) if missing else ""
    if missing and whose:
        told: dict[str, Any] = {"path": missing["path"], "whose": whose, "node": node, "container": name}
        return case.tell("config.folder-missing", state, "error", evidence=proof, **told)
    sub_path = _SUB_PATH.search(message)
    if sub_path is None:
        return None
    mounts = listed(container_spec(case.obj, name), "volumeMounts")
    wanted = next((m for m in mounts if text(m, "name") == sub_path["mount"]), {})
    path = text(wanted, "subPath") or text(wanted, "subPathExpr")
    proof.append(volume_fact(case, sub_path["mount"]))
    return case.tell(
        "config.sub-path",
        state,
        "error",
        evidence=proof,
        container=name,
        volume=sub_path["mount"],
        path=path,
        node=node,
    )


def _crash_loop(case: Case, status: JSON, message: str) -> Explanation:  # noqa: ARG001
    found = never_started(case, status)
    if found is not None:
        return found
    last, name = mapping(status, "lastState", "terminated"), text(status, "name")
    kind, by_probe = killing_probe(case, name, last)
    told: dict[str, Any] = {"container": name, "count": integer(status, "restartCount") or 0, "name": case.name}
    proof = [state_fact(case, status), state_fact(case, status, "lastState") if last else None]
    state = pod_status(case.obj)
    if text(last, "reason") == "OOMKilled":
        proof += limit_facts(case, name)
        ended = exit_words(case, status, "lastState")
        return case.tell("container.out-of-memory", state, "error", evidence=proof, ended=ended, **told)
    if kind:
        proof += [probe_fact(case, name, kind), *map(event_fact, by_probe)]
        said = probe_said(by_probe)
        return case.tell("container.killed-by-probe", state, "error", evidence=proof, kind=kind, said=said, **told)
    proof += map(event_fact, case.events_with("BackOff")[:1])
    return case.tell(
        "container.crash-loop", state, "error", evidence=proof, ended=exit_words(case, status, "lastState"), **told
    )


def _start_failed(case: Case, status: JSON, message: str) -> Explanation:
    return start_failed(case, status, message)


def _hook_failed(case: Case, status: JSON, message: str) -> Explanation:
    events = case.events_with("FailedPostStartHook")[:1]
    said = message or (event_message(events[0]) if events else say("why.text.no-message"))
    proof = [state_fact(case, status), *map(event_fact, events)]
    return case.tell(
        "container.hook-failed",
        pod_status(case.obj),
        "error",
        evidence=proof,
        container=text(status, "name"),
        message=said,
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
    "PreCreateHookError": _start_failed,
    "PreStartHookError": _start_failed,
    "PostStartHookError": _hook_failed,
    "ErrImagePull": image_pull,
    "ImagePullBackOff": image_pull,
    "RegistryUnavailable": image_pull,
    "ImageInspectError": image_pull,
    "SignatureValidationFailed": image_pull,
    "InvalidImageName": image_name,
    "ErrImageNeverPull": image_never,
    "CrashLoopBackOff": _crash_loop,
}
