"""What a Pod's fields say, for all who explain Pods: its containers' states, its volumes, what it refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.objects import Objects
from k8sviz.rules.reasons import Reason
from k8sviz.rules.start import start_report
from k8sviz.why.case import Case, called, fact
from k8sviz.why.model import Evidence
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
    path = f"status.containerStatuses[{name}].{state}"
    kind, details = next(iter(mapping(status, state).items()), ("", {}))
    words = [str(kind), text(details, "reason"), text(details, "message")]
    if integer(details, "exitCode") is not None:
        words.append(say("why.exit.code", code=integer(details, "exitCode")))
    return Evidence(
        say("why.text.field", path=path, subject=called(case.ref)), " ".join(word for word in words if word)
    )


def exit_words(ended: JSON) -> str:
    """How a container ended, in words."""
    code = integer(ended, "exitCode")
    if text(ended, "reason") == "OOMKilled":
        return say("why.exit.oom")
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
