"""What the endpoint controller writes into an EndpointSlice for a Pod: its entry, and the ports that a Service means.

Rules: k8s.io/endpointslice (utils.go podToEndpoint, getEndpointPorts), as of v1.36.
"""

from __future__ import annotations

from typing import Any

from k8sviz.rules import services
from k8sviz.rules.fields import JSON, listed, text

__all__ = ["endpoint_of", "has_endpoint", "ports_of"]


def has_endpoint(pod: JSON) -> bool:
    """Whether a Pod is listed at all: it has an address, and its processes are not over."""
    return services.endpoint_of({}, pod) is not None


def endpoint_of(service: JSON, pod: JSON) -> dict[str, Any]:
    """The Pod's entry in the Service's slices. Raises ValueError for a Pod that has none.

    >>> pod = {"metadata": {"name": "a"}, "status": {"podIP": "10.0.0.1"}}
    >>> endpoint_of({"spec": {"publishNotReadyAddresses": True}}, pod)["conditions"]
    {'ready': True, 'serving': False, 'terminating': False}
    """
    it = services.endpoint_of(service, pod)
    if it is None:
        raise ValueError(f"Pod {text(pod, 'metadata', 'name')} has no endpoint")
    found: dict[str, Any] = {
        "addresses": list(it.addresses[:1]),
        "conditions": {"ready": it.ready, "serving": it.serving, "terminating": it.terminating},
    }
    if it.hostname:
        found["hostname"] = it.hostname
    home = text(pod, "metadata", "namespace")
    found["targetRef"] = {"kind": "Pod", "namespace": home, "name": it.name, "uid": it.uid}
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
        number = services.target_port(port, pod)
        if number is not None:
            protocol = text(port, "protocol") or "TCP"
            extra = {"appProtocol": text(port, "appProtocol")} if text(port, "appProtocol") else {}
            found.append({"name": text(port, "name"), "port": number, "protocol": protocol, **extra})
    return found
