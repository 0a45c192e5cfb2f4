"""What an EndpointSlice says of a Pod: its address, its conditions, and which ports a Service means of it.

Rules: k8s.io/endpointslice (utils.go podToEndpoint, getEndpointPorts; util/controller_utils.go), as of v1.36.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.rules.fields import flag, integer, listed, mapping, text
from k8sviz.rules.meta import is_terminating
from k8sviz.rules.pods import is_ready

__all__ = ["endpoint_of", "has_endpoint", "is_headless", "ports_of"]

JSON = Mapping[str, Any]


def is_headless(service: JSON) -> bool:
    """Whether the Service has no address of its own (clusterIP None)."""
    return text(service, "spec", "clusterIP") == "None"


def has_endpoint(pod: JSON) -> bool:
    """Whether a Pod is listed at all: it has an address, and its processes are not over."""
    return bool(text(pod, "status", "podIP")) and text(pod, "status", "phase") not in ("Succeeded", "Failed")


def endpoint_of(service: JSON, pod: JSON) -> dict[str, Any]:
    """The Pod's entry in the Service's slices. A Pod that is to go is not ready, but may serve what it began.

    >>> pod = {"metadata": {"name": "a"}, "status": {"podIP": "10.0.0.1"}}
    >>> endpoint_of({"spec": {"publishNotReadyAddresses": True}}, pod)["conditions"]
    {'ready': True, 'serving': False, 'terminating': False}
    """
    serving, going = is_ready(pod), is_terminating(pod)
    ready = bool(flag(service, "spec", "publishNotReadyAddresses")) or (serving and not going)
    found: dict[str, Any] = {
        "addresses": [text(pod, "status", "podIP")],
        "conditions": {"ready": ready, "serving": serving, "terminating": going},
    }
    named = text(pod, "spec", "subdomain") == text(service, "metadata", "name")
    if text(pod, "spec", "hostname") and named:
        found["hostname"] = text(pod, "spec", "hostname")
    found["targetRef"] = {
        "kind": "Pod",
        "namespace": text(pod, "metadata", "namespace"),
        "name": text(pod, "metadata", "name"),
        "uid": text(pod, "metadata", "uid"),
    }
    if text(pod, "spec", "nodeName"):
        found["nodeName"] = text(pod, "spec", "nodeName")
    return found


def ports_of(service: JSON, pod: JSON) -> list[dict[str, Any]]:
    """The Service's ports at this Pod; a name that none of its containers has is left out (getEndpointPorts).

    >>> ports_of({"spec": {"ports": [{"port": 80, "targetPort": "http"}]}}, {"spec": {"containers": []}})
    []
    """
    found = []
    for port in listed(service, "spec", "ports"):
        number = _number(port, pod)
        if number is not None:
            protocol = text(port, "protocol") or "TCP"
            extra = {"appProtocol": text(port, "appProtocol")} if text(port, "appProtocol") else {}
            found.append({"name": text(port, "name"), "port": number, "protocol": protocol, **extra})
    return found


def _number(port: JSON, pod: JSON) -> int | None:
    """FindPort: a number as it is (the Service's own where there is none), a name by the Pod's containers."""
    target = mapping(port).get("targetPort")
    if not isinstance(target, str) or not target:
        return integer(port, "targetPort") or integer(port, "port")
    protocol = text(port, "protocol") or "TCP"
    init = [c for c in listed(pod, "spec", "initContainers") if text(c, "restartPolicy") == "Always"]
    for container in [*listed(pod, "spec", "containers"), *init]:
        for known in listed(container, "ports"):
            if text(known, "name") == target and (text(known, "protocol") or "TCP") == protocol:
                return integer(known, "containerPort")
    return None
