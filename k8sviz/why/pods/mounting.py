"""Why a Pod's volumes are not mounted: the attacher's and the kubelet's words read against the volume."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from k8sviz.rules.fields import listed, text
from k8sviz.rules.pods import pod_status
from k8sviz.why.case import Case, called, event_fact, event_message, fact, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.pods.attaching import volume_held
from k8sviz.why.pods.needs import NOT_FOUND, missing_before_event, missing_object
from k8sviz.why.pods.reading import has_started, on_disk, pod_volume, volume_fact, volume_of
from k8sviz.why.storage.reading import volume_nodes
from k8sviz.words import say

__all__ = ["failed_mount"]

JSON = Mapping[str, Any]
Match = re.Match[str]
Handler = Callable[[Case, JSON, str, Match], Explanation]

REASONS = (
    "FailedMount",
    "FailedAttachVolume",
    "FailedMapVolume",
    "FailedMountOnFilesystemMismatch",
    "VolumeAttachmentLimitExceeded",
)
_NO_KEY = re.compile(r"references non-existent (?:config|secret) key: (?P<key>\S+)")
_SUM = re.compile(r"[Uu]nmounted volumes=\[(?P<volumes>[^\]]*)\]")


def failed_mount(case: Case) -> Explanation | None:
    """A volume cannot be attached or mounted, as the newest Events say."""
    if has_started(case):
        return None
    events = case.events_with(*REASONS)
    # "Unable to attach or mount volumes: ... timed out" only sums up what another event says
    events.sort(key=lambda event: bool(_SUM.search(event_message(event))))
    for event in events:
        found = _explain_mount(case, event)
        if found is not None:
            return found
    return missing_before_event(case)


def _explain_mount(case: Case, event: JSON) -> Explanation | None:
    message = event_message(event)
    named = re.search(r'for volume "([^"]+)"[ :]*(.*)', message, re.DOTALL)
    volume, said = (named[1], named[2]) if named else ("", message)
    for pattern, explain in _MOUNTS:
        match = pattern.search(message)
        if match:
            return explain(case, event, volume, match)
    if not volume:
        return _only_summed_up(case, event, said)
    return _simple("pod.mount-failed", case, event, volume, message=said)


def _only_summed_up(case: Case, event: JSON, said: str) -> Explanation:
    """The kubelet waits for volumes, and no Event says why."""
    found = _SUM.search(said)
    volumes = join(found["volumes"].split()) if found else say("why.pod-words.a-volume")
    about = [volume_fact(case, name) for name in (found["volumes"].split() if found else [])]
    return case.tell(
        "pod.mount-waits",
        pod_status(case.obj),
        "error",
        evidence=[event_fact(event), *about],
        volumes=volumes,
        message=said,
    )


def _simple(code: str, case: Case, event: JSON, volume: str, **told: Any) -> Explanation:
    """An explanation that needs no more than the Event, the volume and the node."""
    mine = pod_volume(case, volume)
    proof = [event_fact(event), volume_fact(case, mine), case.fact("spec", "nodeName")]
    known = case.snapshot.get("PersistentVolume", volume)
    if known is not None:
        proof.append(fact(known, "spec", "claimRef", "name"))
    return case.tell(
        code,
        pod_status(case.obj),
        "error",
        evidence=proof,
        volume=volume or mine,
        node=text(case.obj, "spec", "nodeName"),
        **told,
    )


# -- one for each way to fail -----------------------------------------------------------------------------------


def _type(case: Case, event: JSON, volume: str, match: Match) -> Explanation:
    name = pod_volume(case, volume)
    wanted = text(volume_of(case, name), "hostPath", "type")
    if not wanted:
        known = case.snapshot.get("PersistentVolume", volume)
        wanted = text(known, "spec", "hostPath", "type")
    return _simple("pod.host-path-type", case, event, volume, path=match["path"], type=wanted)


def _git(case: Case, event: JSON, volume: str, match: Match) -> Explanation:  # noqa: ARG001
    return _simple("pod.git-repo-off", case, event, volume)


def _object(case: Case, event: JSON, volume: str, match: Match) -> Explanation:
    kind = "Secret" if match["kind"].lower() == "secret" else "ConfigMap"
    proof = [event_fact(event), volume_fact(case, volume)]
    return missing_object(case, kind, match["name"], "", proof, say("why.pod-words.volume", name=volume))


def _key(case: Case, event: JSON, volume: str, match: Match) -> Explanation:
    proof = [event_fact(event), volume_fact(case, volume)]
    where = say("why.pod-words.volume", name=volume)
    source = volume_of(case, volume)
    parts = [source, *listed(source, "projected", "sources")]
    for part in parts:
        for field, kind, name in (("secret", "Secret", "secretName"), ("configMap", "ConfigMap", "name")):
            keys = [text(item, "key") for item in listed(part, field, "items")]
            if match["key"] in keys or (field in part and part is source):
                of = text(part, field, name) or text(part, field, "name")
                return missing_object(case, kind, of, match["key"], proof, where)
    return _simple("pod.mount-failed", case, event, volume, message=event_message(event))


def _cache(case: Case, event: JSON, volume: str, match: Match) -> Explanation:  # noqa: ARG001
    return case.tell("pod.mount-cache", pod_status(case.obj), "waiting", evidence=[event_fact(event)], volume=volume)


def _driver(case: Case, event: JSON, volume: str, match: Match) -> Explanation:
    """The node's kubelet knows no such CSI driver; others may."""
    driver, node = match["driver"].strip('"'), text(case.obj, "spec", "nodeName")
    mine = case.snapshot.get("CSINode", node)
    drivers = [text(entry, "name") for entry in listed(mine, "spec", "drivers")]
    having = [
        text(each, "metadata", "name")
        for each in case.snapshot.objects("CSINode")
        if driver in [text(entry, "name") for entry in listed(each, "spec", "drivers")]
    ]
    proof: list[Evidence | None] = [event_fact(event), case.fact("spec", "nodeName")]
    if mine is not None:
        path = say("why.text.field", path="spec.drivers", subject=called(mine))
        proof.append(Evidence(path, join(drivers) or say("why.text.none")))
    others = say("why.pod-words.driver-on", nodes=join(having)) if having else ""
    return case.tell(
        "pod.csi-driver-missing",
        pod_status(case.obj),
        "error",
        evidence=proof,
        volume=volume,
        driver=driver,
        node=node,
        others=others,
    )


def _no_path(case: Case, event: JSON, volume: str, match: Match) -> Explanation:
    disk = on_disk(case, match["path"])
    return _simple("pod.local-path-missing", case, event, volume, path=match["path"], whose=disk or volume)


def _reach(case: Case, event: JSON, volume: str, match: Match) -> Explanation:  # noqa: ARG001
    nodes = volume_nodes(case.snapshot.get("PersistentVolume", volume) or {})
    return _simple("pod.node-out-of-reach", case, event, volume, nodes=nodes or say("why.refusal.no-node"))


def _said(code: str) -> Handler:
    """A way to fail that the message itself explains best."""

    def told(case: Case, event: JSON, volume: str, match: Match) -> Explanation:  # noqa: ARG001
        said = event_message(event).partition(f'"{volume}"')[2] if volume else event_message(event)
        return _simple(code, case, event, volume, message=said.strip(" :") or event_message(event))

    return told


def _attach(case: Case, event: JSON, volume: str, match: Match) -> Explanation:  # noqa: ARG001
    return volume_held(case, event, volume)


_MOUNTS: tuple[tuple[re.Pattern[str], Handler], ...] = (
    (re.compile(r"hostPath type check failed: (?P<path>.+?) is not a"), _type),
    (re.compile(r"git-?[rR]epo volume plugin has been disabled"), _git),
    (NOT_FOUND, _object),
    (_NO_KEY, _key),
    (re.compile(r"not registered|failed to sync (configmap|secret) cache"), _cache),
    (re.compile(r"driver name (?P<driver>\S+) not found in the list of registered CSI drivers"), _driver),
    (re.compile(r"CSINode \S+ does not contain driver (?P<driver>\S+)"), _driver),
    (re.compile(r"Multi-Attach error|already (?:exclusively )?attached to (?!instance)"), _attach),
    (
        re.compile(
            r"max(?:imum)? (?:number of )?(?:volumes|disks|attachments)|attachment limit|AttachmentLimitExceeded"
            r"|ResourceExhausted.*attach|LimitExceeded|too many (?:volumes|disks)",
            re.IGNORECASE | re.DOTALL,
        ),
        _said("pod.attach-limit"),
    ),
    (re.compile(r"timed out waiting for external-attacher of \S+ CSI driver"), _said("pod.attacher-silent")),
    (re.compile(r"volume attachment is being deleted"), _said("pod.detaching-first")),
    (re.compile(r"NodeAffinity check failed"), _reach),
    (re.compile(r"it already contains \S+|wrong fs type.*superblock on", re.DOTALL), _said("pod.file-system")),
    (re.compile(r"/sbin/mount\.<type> helper|mount\.\w+: not found"), _said("pod.mount-helper")),
    (re.compile(r"access denied by server|Permission denied|permission denied"), _said("pod.mount-denied")),
    (re.compile(r'path "(?P<path>[^"]+)" does not exist'), _no_path),
    (re.compile(r"Connection (?:timed out|refused)|No route to host|DeadlineExceeded"), _said("pod.mount-unreachable")),
)
