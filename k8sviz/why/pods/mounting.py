"""Why a Pod's volumes are not mounted: the attacher's and the kubelet's words read against the volume."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from k8sviz.rules.fields import text
from k8sviz.rules.pods import pod_status
from k8sviz.why.case import Case, event_fact, event_message
from k8sviz.why.model import Explanation
from k8sviz.why.pods.needs import NOT_FOUND, missing_before_event, missing_object
from k8sviz.why.pods.reading import has_started, volume_fact, volume_of
from k8sviz.words import say

__all__ = ["failed_mount"]

JSON = Mapping[str, Any]


_NO_KEY = re.compile(r"references non-existent (?:config|secret) key: (?P<key>\S+)")


def failed_mount(case: Case) -> Explanation | None:
    """A volume cannot be attached or mounted, as the newest Events say."""
    if has_started(case):
        return None
    events = case.events_with("FailedMount", "FailedAttachVolume", "FailedMapVolume")
    # "Unable to attach or mount volumes: ... timed out" only sums up what another event says
    events.sort(key=lambda event: event_message(event).startswith("Unable to attach or mount"))
    for event in events:
        found = _explain_mount(case, event)
        if found is not None:
            return found
    return missing_before_event(case)


def _explain_mount(case: Case, event: JSON) -> Explanation | None:
    message = event_message(event)
    named = re.match(
        r'(?:MountVolume|MapVolume|AttachVolume|UnmountVolume)\S* failed for volume "([^"]+)" ?: ?(.*)',
        message,
        re.DOTALL,
    )
    volume, said = (named[1], named[2]) if named else ("", message)
    for pattern, explain in _MOUNTS:
        match = pattern.search(said)
        if match:
            return explain(case, event, volume, match)
    proof = [event_fact(event), volume_fact(case, volume)]
    return case.tell("pod.mount-failed", pod_status(case.obj), "error", evidence=proof, volume=volume, message=said)


def _mount_type(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:
    wanted = text(volume_of(case, volume), "hostPath", "type")
    return case.tell(
        "pod.host-path-type",
        pod_status(case.obj),
        "error",
        volume=volume,
        path=match["path"],
        type=wanted,
        evidence=[event_fact(event), volume_fact(case, volume), case.fact("spec", "nodeName")],
        node=text(case.obj, "spec", "nodeName"),
    )


def _mount_git(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:  # noqa: ARG001
    proof = [event_fact(event), volume_fact(case, volume)]
    return case.tell("pod.git-repo-off", pod_status(case.obj), "error", evidence=proof, volume=volume)


def _mount_object(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:
    kind = "Secret" if match["kind"].lower() == "secret" else "ConfigMap"
    proof = [event_fact(event), volume_fact(case, volume)]
    return missing_object(case, kind, match["name"], "", proof, say("why.pod-words.volume", name=volume))


def _mount_key(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:
    source = volume_of(case, volume)
    kind = "Secret" if "secret" in source else "ConfigMap"
    name = text(source, "secret", "secretName") or text(source, "configMap", "name")
    proof = [event_fact(event), volume_fact(case, volume)]
    return missing_object(case, kind, name, match["key"], proof, say("why.pod-words.volume", name=volume))


def _mount_cache(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:  # noqa: ARG001
    return case.tell("pod.mount-cache", pod_status(case.obj), "waiting", evidence=[event_fact(event)], volume=volume)


def _mount_driver(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:
    return case.tell(
        "pod.csi-driver-missing",
        pod_status(case.obj),
        "error",
        evidence=[event_fact(event)],
        volume=volume,
        driver=match["driver"],
        node=text(case.obj, "spec", "nodeName"),
    )


def _mount_elsewhere(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:  # noqa: ARG001
    return case.tell("pod.multi-attach", pod_status(case.obj), "error", evidence=[event_fact(event)], volume=volume)


def _mount_no_path(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:
    return case.tell(
        "pod.local-path-missing",
        pod_status(case.obj),
        "error",
        evidence=[event_fact(event)],
        volume=volume,
        path=match["path"],
        node=text(case.obj, "spec", "nodeName"),
    )


_MOUNTS: tuple[tuple[re.Pattern[str], Callable[[Case, JSON, str, re.Match[str]], Explanation]], ...] = (
    (re.compile(r"hostPath type check failed: (?P<path>.+?) is not a"), _mount_type),
    (re.compile(r"git-?[rR]epo volume plugin has been disabled"), _mount_git),
    (NOT_FOUND, _mount_object),
    (_NO_KEY, _mount_key),
    (re.compile(r"not registered|failed to sync (configmap|secret) cache"), _mount_cache),
    (re.compile(r"driver name (?P<driver>\S+) not found in the list of registered CSI drivers"), _mount_driver),
    (re.compile(r"Multi-Attach error"), _mount_elsewhere),
    (re.compile(r'path "(?P<path>[^"]+)" does not exist'), _mount_no_path),
)
