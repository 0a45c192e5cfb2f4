"""`kubectl describe pod`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.history import Object
from k8sviz.kubectl.describe.podspec import containers, tolerations, volumes
from k8sviz.kubectl.describe.writer import Writer, controlled_by, whole
from k8sviz.kubectl.times import ago, date
from k8sviz.rules.fields import integer, listed, mapped, mapping, text

__all__ = ["pod"]

JSON = Mapping[str, Any]


def pod(w: Writer, obj: JSON, events: Sequence[Object] | None) -> None:
    """Describe a Pod (describePod)."""
    spec, status = mapping(obj, "spec"), mapping(obj, "status")
    w.field("Name", text(obj, "metadata", "name"))
    w.field("Namespace", text(obj, "metadata", "namespace"))
    if integer(spec, "priority") is not None:
        w.field("Priority", whole(spec, "priority"))
    for name, title in (("priorityClassName", "Priority Class Name"), ("runtimeClassName", "Runtime Class Name")):
        if text(spec, name):
            w.field(title, text(spec, name))
    if text(spec, "serviceAccountName"):
        w.field("Service Account", text(spec, "serviceAccountName"))
    node = text(spec, "nodeName")
    w.field("Node", f"{node}/{text(status, 'hostIP')}" if node else "<none>")
    if text(status, "startTime"):
        w.field("Start Time", date(text(status, "startTime")))
    w.own_words(obj)
    _status(w, obj)
    _addresses(w, status)
    if controlled_by(obj):
        w.field("Controlled By", controlled_by(obj))
    if text(status, "nominatedNodeName"):
        w.field("NominatedNodeName", text(status, "nominatedNodeName"))
    if listed(spec, "initContainers"):
        containers(w, "Init Containers", listed(spec, "initContainers"), listed(status, "initContainerStatuses"), obj)
    containers(w, "Containers", listed(spec, "containers"), listed(status, "containerStatuses"), obj)
    _conditions(w, obj)
    volumes(w, listed(spec, "volumes"))
    w.field("QoS Class", text(status, "qosClass") or "BestEffort")
    w.labels("Node-Selectors", mapping(spec, "nodeSelector"))
    tolerations(w, listed(spec, "tolerations"))
    w.events(events)


def _status(w: Writer, obj: JSON) -> None:
    status = mapping(obj, "status")
    gone = text(obj, "metadata", "deletionTimestamp")
    if gone and text(status, "phase") not in ("Failed", "Succeeded"):
        w.field("Status", f"Terminating (lasts {ago(gone, w.now)})")
        w.field("Termination Grace Period", f"{whole(obj, 'metadata', 'deletionGracePeriodSeconds')}s")
    else:
        w.field("Status", text(status, "phase"))
    for name in ("reason", "message"):
        if text(status, name):
            w.field(name.capitalize(), text(status, name))
    if mapped(obj, "spec", "securityContext", "seccompProfile") is not None:
        w.field("SeccompProfile", text(obj, "spec", "securityContext", "seccompProfile", "type"))


def _addresses(w: Writer, status: JSON) -> None:
    w.field("IP", text(status, "podIP"))
    found = listed(status, "podIPs")
    w.line(0, "IPs:" if found else "IPs:\t<none>")
    for one in found:
        w.field("IP", text(one, "ip"), 1)


def _conditions(w: Writer, obj: JSON) -> None:
    found = listed(obj, "status", "conditions")
    gates = listed(obj, "spec", "readinessGates")
    if gates:
        w.write(0, "Readiness Gates:\n  Type\tStatus\n")
        for gate in gates:
            kind = text(gate, "conditionType")
            status = next((text(one, "status") for one in found if one.get("type") == kind), "<none>")
            w.line(1, f"{kind} \t{status} ")
    if found:
        w.write(0, "Conditions:\n  Type\tStatus\n")
        for one in found:
            w.line(1, f"{text(one, 'type')} \t{text(one, 'status')} ")
