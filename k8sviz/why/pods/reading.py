"""What a Pod's fields say, for all who explain Pods: its containers' states, its volumes, what it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.availability import epoch
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.objects import Objects
from k8sviz.rules.reasons import Reason
from k8sviz.rules.start import start_report
from k8sviz.why.case import Case, called, event_message, event_times, fact
from k8sviz.why.model import Evidence
from k8sviz.why.storage.reading import claim_names
from k8sviz.words import say

__all__ = [
    "STARTING",
    "container_spec",
    "exit_words",
    "has_started",
    "node_of",
    "objects_of",
    "plain",
    "start_problems",
    "state_fact",
    "statuses",
    "volume_fact",
    "volume_of",
]

JSON = Mapping[str, Any]


_BY_PROBE = re.compile(r"Container (?P<name>\S+) failed (?P<kind>liveness|startup) probe", re.IGNORECASE)
_SLACK = 90  # seconds between the newest of Events that are counted together and the end that they speak of
STARTING = ("ContainerCreating", "PodInitializing", "")


def node_of(case: Case) -> Object | None:
    """The Pod's node; None when it has none, or none that is known."""
    name = text(case.obj, "spec", "nodeName")
    return case.snapshot.get("Node", name) if name else None


def objects_of(case: Case) -> Objects:
    """What a Pod can refer to, as the rules look it up."""
    kinds = ("ConfigMap", "Secret", "Service", "Node", "ServiceAccount")
    found = [obj for kind in kinds for obj in case.snapshot.objects(kind)]
    return Objects(found, namespace=case.namespace or "default")


def start_problems(case: Case) -> list[Reason]:
    """What would keep the Pod from starting if it were started now."""
    report = start_report(case.obj, objects_of(case))
    return [*report.pod, *(reason for reasons in report.containers.values() for reason in reasons)]


def statuses(pod: JSON) -> Iterator[JSON]:
    """The Pod's container statuses, those of init containers first."""
    yield from listed(pod, "status", "initContainerStatuses")
    yield from listed(pod, "status", "containerStatuses")


def container_spec(pod: JSON, name: str) -> JSON:
    """A container by name; empty when there is none."""
    for part in ("initContainers", "containers"):
        for container in listed(pod, "spec", part):
            if text(container, "name") == name:
                return container
    return {}


def state_fact(case: Case, status: JSON, state: str = "state") -> Evidence:
    """A container's state as evidence, in one line."""
    name = text(status, "name")
    path = f"{status_field(case, name)}[{name}].{state}"
    kind, details = next(iter(mapping(status, state).items()), ("", {}))
    words = [str(kind), text(details, "reason"), text(details, "message")]
    if integer(details, "exitCode") is not None:
        words.append(say("why.exit.code", code=integer(details, "exitCode")))
    return Evidence(
        say("why.text.field", path=path, subject=called(case.ref)), " ".join(word for word in words if word)
    )


def status_field(case: Case, name: str) -> str:
    """The field in which a container's status stands: init containers and ephemeral ones have their own."""
    for part in ("initContainerStatuses", "ephemeralContainerStatuses"):
        if any(text(status, "name") == name for status in listed(case.obj, "status", part)):
            return f"status.{part}"
    return "status.containerStatuses"


def memory_limit(case: Case, name: str) -> str:
    """The container's memory limit as it is written, or its Pod's; empty when there is none."""
    container = container_spec(case.obj, name)
    own = mapping(container, "resources", "limits").get("memory")
    whole = mapping(case.obj, "spec", "resources", "limits").get("memory")
    return str(own if own is not None else whole if whole is not None else "")


def limit_facts(case: Case, name: str) -> list[Evidence]:
    """The container's memory limit as evidence, and its Pod's."""
    own = mapping(container_spec(case.obj, name), "resources", "limits").get("memory")
    whole = mapping(case.obj, "spec", "resources", "limits").get("memory")
    places = ((f"spec.containers[{name}].resources.limits.memory", own), ("spec.resources.limits.memory", whole))
    return [
        Evidence(say("why.text.field", path=path, subject=called(case.ref)), str(value))
        for path, value in places
        if value is not None
    ]


def killing_probe(case: Case, name: str, ended: JSON) -> tuple[str, list[Object]]:
    """The probe that had the container stopped, `liveness` or `startup`, with the Events that say so; ('', []) if none.

    The kubelet says `Container main failed liveness probe, will be restarted`, at most a grace period before the end.
    """
    over = epoch(text(ended, "finishedAt"))
    patience = (integer(case.obj, "spec", "terminationGracePeriodSeconds") or 30) + _SLACK
    for event in case.events_with("Killing"):
        found = _BY_PROBE.search(event_message(event))
        killed = epoch(event_times(event)[1])
        far = over is not None and killed is not None and abs(over - killed) > patience
        if found and found["name"] == name and not far:
            kind = found["kind"].lower()
            unhealthy = [e for e in case.events_with("Unhealthy") if event_message(e).lower().startswith(kind)]
            return kind, [event, *unhealthy[:1]]
    return "", []


def exit_words(case: Case, status: JSON, state: str = "state") -> str:
    """How a container ended, in words, as its state or lastState says."""
    name, ended = text(status, "name"), mapping(status, state, "terminated")
    code = integer(ended, "exitCode")
    if text(ended, "reason") == "OOMKilled":
        limit = memory_limit(case, name)
        return say("why.exit.oom", limit=limit) if limit else say("why.exit.oom-node")
    kind, _ = killing_probe(case, name, ended)
    if kind:
        return say("why.exit.by-probe", kind=kind, code=code)
    known = {0: "0", 126: "126", 127: "127", 137: "137", 139: "139", 143: "143"}
    if code in known:
        return say(f"why.exit.{known[code]}")
    return say("why.exit.other", code=code) if code is not None else say("why.exit.unknown")


def has_started(case: Case) -> bool:
    """Whether the kubelet is past the volumes: some container runs, has run, or waits for something of its own."""
    for status in statuses(case.obj):
        waiting = mapping(status, "state", "waiting")
        if not waiting or text(waiting, "reason") not in STARTING or mapping(status, "lastState"):
            return True
    return False


def volume_of(case: Case, name: str) -> JSON:
    """A volume of the Pod by name; empty when there is none."""
    return next((v for v in listed(case.obj, "spec", "volumes") if text(v, "name") == name), {})


def volume_fact(case: Case, name: str, *path: str) -> Evidence | None:
    """A volume of the Pod's spec as evidence, or one field of it."""
    volume = volume_of(case, name)
    found = fact(volume, *path) if path else None
    kind = next((key for key in volume if key != "name"), "")
    if not kind:
        return None
    source = ".".join((f"spec.volumes[{name}]", *(path or (kind,))))
    value = found.text if found else plain(mapping(volume, kind))
    return Evidence(say("why.text.field", path=source, subject=called(case.ref)), value)


def plain(source: JSON) -> str:
    """The plain fields of a volume's source, in one line."""
    return ", ".join(f"{key}: {value}" for key, value in source.items() if isinstance(value, str | int)) or "{}"


def pod_volume(case: Case, name: str) -> str:
    """The Pod's volume that an Event means: the one of that name, or whose claim has the volume of that name."""
    if volume_of(case, name):
        return name
    for volume, claim in claim_names(case.obj):
        found = case.find("PersistentVolumeClaim", claim)
        if name and text(found, "spec", "volumeName") == name:
            return volume
    return ""


def on_disk(case: Case, path: str) -> str:
    """Whose folder on the node a path is, in words: a hostPath or local volume of the Pod; empty when of none."""
    for volume in listed(case.obj, "spec", "volumes"):
        name, claim = text(volume, "name"), text(volume, "persistentVolumeClaim", "claimName")
        if _lies_in(path, text(volume, "hostPath", "path")):
            return say("why.pod-words.own-host-path", name=name)
        found = case.find("PersistentVolumeClaim", claim) if claim else None
        bound = case.snapshot.get("PersistentVolume", text(found, "spec", "volumeName")) or {}
        for kind in ("hostPath", "local"):
            if _lies_in(path, text(bound, "spec", kind, "path")):
                return say("why.pod-words.host-path-of", kind=kind, volume=called(bound), claim=claim, name=name)
    return ""


def _lies_in(path: str, folder: str) -> bool:
    return bool(folder) and (path == folder or path.startswith(folder.rstrip("/") + "/"))
