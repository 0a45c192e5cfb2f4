"""`kubectl describe` of what makes Pods, and of Services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from k8sviz.history import Object
from k8sviz.kubectl.columns import class_of, format_labels, format_selector
from k8sviz.kubectl.describe.podspec import pod_template
from k8sviz.kubectl.describe.writer import Writer, controlled_by, whole
from k8sviz.kubectl.times import date
from k8sviz.rules.deployment import same_template
from k8sviz.rules.fields import flag, integer, listed, mapped, mapping, strings, text
from k8sviz.rules.selectors import labels_of, matches

__all__ = ["deployment", "replica_set", "replication_controller", "service", "slice_addresses", "stateful_set"]

JSON = Mapping[str, Any]
Others = Mapping[str, Sequence[Object]]


def deployment(w: Writer, obj: JSON, others: Others, events: Sequence[Object] | None) -> None:
    """Describe a Deployment."""
    spec, status = mapping(obj, "spec"), mapping(obj, "status")
    w.field("Name", text(obj, "metadata", "name"))
    w.field("Namespace", text(obj, "metadata", "namespace"))
    w.field("CreationTimestamp", date(text(obj, "metadata", "creationTimestamp")))
    w.own_words(obj)
    w.field("Selector", format_selector(mapped(spec, "selector")))
    counts = (
        f"{_wanted(obj)} desired | {whole(status, 'updatedReplicas')} updated | {whole(status, 'replicas')} total | "
        f"{whole(status, 'availableReplicas')} available | {whole(status, 'unavailableReplicas')} unavailable"
    )
    w.field("Replicas", counts)
    w.field("StrategyType", text(spec, "strategy", "type"))
    w.field("MinReadySeconds", whole(spec, "minReadySeconds"))
    rolling = mapped(spec, "strategy", "rollingUpdate")
    if rolling is not None:
        bounds = f"{rolling.get('maxUnavailable')} max unavailable, {rolling.get('maxSurge')} max surge"
        w.field("RollingUpdateStrategy", bounds)
    pod_template(w, mapping(spec, "template"))
    w.conditions(obj)
    old, new = _replica_sets(obj, others.get("ReplicaSet", ()))
    if old or new:
        w.field("OldReplicaSets", _sizes(old))
        w.field("NewReplicaSet", _sizes(new))
    w.events(events)


def _replica_sets(obj: JSON, found: Iterable[Object]) -> tuple[list[Object], list[Object]]:
    """Those before, and the present one (deploymentutil.GetAllReplicaSets)."""
    mine = [one for one in found if _is_owned(one, obj)]
    mine.sort(key=lambda one: (text(one, "metadata", "creationTimestamp"), text(one, "metadata", "name")))
    template = mapping(obj, "spec", "template")
    new = next((one for one in mine if same_template(mapping(one, "spec", "template"), template)), None)
    return [one for one in mine if one is not new], [new] if new is not None else []


def _is_owned(obj: JSON, owner: JSON) -> bool:
    uid = text(owner, "metadata", "uid")
    return any(one.get("controller") and one.get("uid") == uid for one in listed(obj, "metadata", "ownerReferences"))


def _sizes(found: Sequence[Object]) -> str:
    said = [
        f"{text(one, 'metadata', 'name')} ({whole(one, 'status', 'replicas')}/{_wanted(one)} replicas created)"
        for one in found
    ]
    return ", ".join(said) or "<none>"


def _wanted(obj: JSON) -> int:
    found = integer(obj, "spec", "replicas")
    return 1 if found is None else found


def _pods(w: Writer, obj: JSON, pods: Iterable[Object], selects: JSON) -> None:
    mine = [one for one in pods if _is_owned(one, obj) and matches(selects, labels_of(one))]
    phases = [text(one, "status", "phase") for one in mine]
    said = " / ".join(
        f"{phases.count(phase)} {word}"
        for phase, word in (
            ("Running", "Running"),
            ("Pending", "Waiting"),
            ("Succeeded", "Succeeded"),
            ("Failed", "Failed"),
        )
    )
    w.field("Pods Status", said)


def replica_set(w: Writer, obj: JSON, others: Others, events: Sequence[Object] | None) -> None:
    """Describe a ReplicaSet."""
    w.field("Name", text(obj, "metadata", "name"))
    w.field("Namespace", text(obj, "metadata", "namespace"))
    w.field("Selector", format_selector(mapped(obj, "spec", "selector")))
    w.own_words(obj)
    if controlled_by(obj):
        w.field("Controlled By", controlled_by(obj))
    w.field("Replicas", f"{whole(obj, 'status', 'replicas')} current / {_wanted(obj)} desired")
    _pods(w, obj, others.get("Pod", ()), mapping(obj, "spec", "selector"))
    pod_template(w, mapping(obj, "spec", "template"))
    w.conditions(obj)
    w.events(events)


def replication_controller(w: Writer, obj: JSON, others: Others, events: Sequence[Object] | None) -> None:
    """Describe a ReplicationController."""
    selector = mapping(obj, "spec", "selector")
    w.field("Name", text(obj, "metadata", "name"))
    w.field("Namespace", text(obj, "metadata", "namespace"))
    w.field("Selector", format_labels(selector))
    w.own_words(obj)
    w.field("Replicas", f"{whole(obj, 'status', 'replicas')} current / {_wanted(obj)} desired")
    _pods(w, obj, others.get("Pod", ()), {"matchLabels": selector})
    pod_template(w, mapping(obj, "spec", "template"))
    w.conditions(obj)
    w.events(events)


def stateful_set(w: Writer, obj: JSON, others: Others, events: Sequence[Object] | None) -> None:
    """Describe a StatefulSet."""
    spec = mapping(obj, "spec")
    w.field("Name", text(obj, "metadata", "name"))
    w.field("Namespace", text(obj, "metadata", "namespace"))
    w.field("CreationTimestamp", date(text(obj, "metadata", "creationTimestamp")))
    w.field("Selector", format_selector(mapped(spec, "selector")))
    w.own_words(obj)
    w.field("Replicas", f"{_wanted(obj)} desired | {whole(obj, 'status', 'replicas')} total")
    w.field("Update Strategy", text(spec, "updateStrategy", "type"))
    rolling = mapping(spec, "updateStrategy", "rollingUpdate")
    if integer(rolling, "partition") is not None:
        w.field("Partition", whole(rolling, "partition"), 1)
        if "maxUnavailable" in rolling:
            w.field("MaxUnavailable", rolling["maxUnavailable"], 1)
    _pods(w, obj, others.get("Pod", ()), mapping(spec, "selector"))
    pod_template(w, mapping(spec, "template"))
    _claim_templates(w, listed(spec, "volumeClaimTemplates"))
    w.events(events)


def _claim_templates(w: Writer, found: Sequence[JSON]) -> None:
    w.line(0, "Volume Claims:" + ("" if found else "\t<none>"))
    for claim in found:
        w.field("Name", text(claim, "metadata", "name"), 1)
        w.field("StorageClass", class_of(claim), 1)
        w.labels("Labels", mapping(claim, "metadata", "labels"), "  ")
        w.labels("Annotations", mapping(claim, "metadata", "annotations"), "  ")
        w.field("Capacity", mapping(claim, "spec", "resources", "requests").get("storage", "<default>"), 1)
        w.field("Access Modes", f"[{' '.join(strings(claim, 'spec', 'accessModes'))}]", 1)


def service(w: Writer, obj: JSON, others: Others, events: Sequence[Object] | None) -> None:
    """Describe a Service."""
    spec = mapping(obj, "spec")
    w.meta(obj)
    w.field("Selector", format_labels(mapping(spec, "selector")))
    w.field("Type", text(spec, "type"))
    if text(spec, "ipFamilyPolicy"):
        w.field("IP Family Policy", text(spec, "ipFamilyPolicy"))
    w.field("IP Families", ",".join(strings(spec, "ipFamilies")) or "<none>")
    w.field("IP", text(spec, "clusterIP"))
    w.field("IPs", ",".join(strings(spec, "clusterIPs")) or "<none>")
    if strings(spec, "externalIPs"):
        w.field("External IPs", ",".join(strings(spec, "externalIPs")))
    if text(spec, "externalName"):
        w.field("External Name", text(spec, "externalName"))
    found = [text(one, "ip") or text(one, "hostname") for one in listed(obj, "status", "loadBalancer", "ingress")]
    if found:
        w.field("LoadBalancer Ingress", ", ".join(found))
    slices = [
        one
        for one in others.get("EndpointSlice", ())
        if labels_of(one).get("kubernetes.io/service-name") == text(obj, "metadata", "name")
    ]
    for port in listed(spec, "ports"):
        _port(w, port, slices)
    w.field("Session Affinity", text(spec, "sessionAffinity"))
    for name, title in (
        ("externalTrafficPolicy", "External Traffic Policy"),
        ("internalTrafficPolicy", "Internal Traffic Policy"),
    ):
        if text(spec, name):
            w.field(title, text(spec, name))
    if text(spec, "trafficDistribution"):
        w.field("Traffic Distribution", text(spec, "trafficDistribution"))
    w.events(events)


def _port(w: Writer, port: JSON, slices: Sequence[Object]) -> None:
    name, protocol = text(port, "name") or "<unset>", text(port, "protocol") or "TCP"
    w.line(0, f"Port:\t{name}\t{whole(port, 'port')}/{protocol}")
    w.field("TargetPort", f"{port.get('targetPort', 0)}/{protocol}")
    if text(port, "appProtocol"):
        w.field("AppProtocol", text(port, "appProtocol"))
    if whole(port, "nodePort"):
        w.line(0, f"NodePort:\t{name}\t{whole(port, 'nodePort')}/{protocol}")
    w.field("Endpoints", slice_addresses(slices, text(port, "name")))


def slice_addresses(slices: Sequence[Object], port_name: str) -> str:
    """The ready addresses behind a Service's port (formatEndpointSlices)."""
    if not slices:
        return "<none>"
    found: list[str] = []
    for one in slices:
        ready = [
            strings(endpoint, "addresses")[0]
            for endpoint in listed(one, "endpoints")
            if flag(endpoint, "conditions", "ready") is not False and strings(endpoint, "addresses")
        ]
        ports = listed(one, "ports")
        if not ports:
            found += ready
        for port in ports:
            if text(port, "name") == port_name:
                found += [f"{address}:{whole(port, 'port')}" for address in ready]
    shown = ",".join(found[:3])
    return f"{shown} + {len(found) - 3} more..." if len(found) > 3 else shown
