"""What a Service selects, which of its endpoints take requests, and which port of a Pod they are sent to.

Rules: pkg/controller/util/endpoint, staging/src/k8s.io/endpointslice (podToEndpoint, FindPort), as of v1.36.
"""

from typing import Final, NamedTuple

from k8sviz.rules.fields import JSON, flag, integer, listed, mapping, strings, text
from k8sviz.rules.meta import is_terminating
from k8sviz.rules.pods import is_ready
from k8sviz.rules.selectors import labels_of

__all__ = [
    "SERVICE_LABEL",
    "Endpoint",
    "belongs_to",
    "endpoint_of",
    "endpoints_of",
    "is_headless",
    "selects",
    "selects_labels",
    "service_of",
    "service_selector",
    "target_port",
]

SERVICE_LABEL: Final = "kubernetes.io/service-name"
"""The label by which an EndpointSlice names its Service."""


def service_selector(service: JSON) -> dict[str, str]:
    """spec.selector; empty for a Service whose endpoints somebody else writes, and for ExternalName."""
    if text(service, "spec", "type") == "ExternalName":
        return {}
    return {k: v for k, v in mapping(service, "spec", "selector").items() if isinstance(v, str)}


def selects_labels(service: JSON, labels: JSON) -> bool:
    """Whether the selector takes these labels; one that is empty takes none."""
    wanted = service_selector(service)
    return bool(wanted) and wanted.items() <= labels.items()


def selects(service: JSON, pod: JSON) -> bool:
    """Whether the Service selects this Pod, or the Pods of this template in the Service's namespace.

    >>> service = {"metadata": {"namespace": "demo"}, "spec": {"selector": {"app": "web"}}}
    >>> labels = {"app": "web", "tier": "front"}
    >>> [selects(service, {"metadata": {"namespace": n, "labels": labels}}) for n in ("demo", "other")]
    [True, False]
    """
    home = text(pod, "metadata", "namespace")
    return home == text(service, "metadata", "namespace") and selects_labels(service, labels_of(pod))


def is_headless(service: JSON) -> bool:
    """Whether spec.clusterIP is None: the name then stands for the Pods themselves, not for one address."""
    return text(service, "spec", "clusterIP") == "None"


# -- endpoints ---------------------------------------------------------------------------------------


class Endpoint(NamedTuple):
    """One endpoint: who it is, and its conditions.

    `ready` takes new requests; `serving` would answer, even while it is `terminating`.
    """

    addresses: tuple[str, ...]
    ready: bool
    serving: bool
    terminating: bool
    kind: str = ""
    name: str = ""
    uid: str = ""
    hostname: str = ""


def service_of(endpoint_slice: JSON) -> str:
    """The name of the Service that an EndpointSlice is of; it is in the slice's namespace."""
    return text(endpoint_slice, "metadata", "labels", SERVICE_LABEL)


def belongs_to(endpoint_slice: JSON, service: JSON) -> bool:
    """Whether the EndpointSlice is one of this Service's."""
    home = text(endpoint_slice, "metadata", "namespace")
    name = text(service, "metadata", "name")
    return service_of(endpoint_slice) == name and home == text(service, "metadata", "namespace")


def endpoints_of(endpoint_slice: JSON) -> list[Endpoint]:
    """The endpoints of a slice. A condition that is not said counts as true for ready, and serving follows it.

    >>> known, unknown = {"conditions": {"ready": False, "serving": True, "terminating": True}}, {}
    >>> [(e.ready, e.serving, e.terminating) for e in endpoints_of({"endpoints": [known, unknown]})]
    [(False, True, True), (True, True, False)]
    """
    found = []
    for entry in listed(endpoint_slice, "endpoints"):
        target = mapping(entry, "targetRef")
        ready = flag(entry, "conditions", "ready") is not False
        serving = flag(entry, "conditions", "serving")
        found.append(
            Endpoint(
                tuple(strings(entry, "addresses")),
                ready,
                ready if serving is None else serving,
                bool(flag(entry, "conditions", "terminating")),
                text(target, "kind") or "Pod" if target else "",
                text(target, "name"),
                text(target, "uid"),
                text(entry, "hostname"),
            )
        )
    return found


def endpoint_of(service: JSON, pod: JSON) -> Endpoint | None:
    """The endpoint that the controller makes of a selected Pod; None for one that is over or has no address.

    A Pod that is going is never ready, unless the Service has publishNotReadyAddresses.
    """
    addresses = tuple(a for e in listed(pod, "status", "podIPs") if (a := text(e, "ip")))
    addresses = addresses or tuple(a for a in (text(pod, "status", "podIP"),) if a)
    if not addresses or text(pod, "status", "phase") in ("Failed", "Succeeded"):
        return None
    serving, going = is_ready(pod), is_terminating(pod)
    ready = bool(flag(service, "spec", "publishNotReadyAddresses")) or (serving and not going)
    meta, own = mapping(pod, "metadata"), text(pod, "spec", "subdomain") == text(service, "metadata", "name")
    hostname = text(pod, "spec", "hostname") if own else ""
    return Endpoint(addresses, ready, serving, going, "Pod", text(meta, "name"), text(meta, "uid"), hostname)


def target_port(port: JSON, pod: JSON) -> int | None:
    """The number of the container port that an entry of a Service's `ports` means; None when no container has it.

    A name is looked up by name and protocol; a number, or the Service's own port where targetPort is not said, is
    taken as it is: nobody checks that a container listens there.

    >>> pod = {"spec": {"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]}}
    >>> target_port({"port": 80, "targetPort": "http"}, pod), target_port({"port": 80, "targetPort": "web"}, pod)
    (8080, None)
    >>> target_port({"port": 80}, pod)
    80
    """
    name = text(port, "targetPort")
    if not name:
        return integer(port, "targetPort") or integer(port, "port")
    sidecars = [c for c in listed(pod, "spec", "initContainers") if text(c, "restartPolicy") == "Always"]
    protocol = text(port, "protocol") or "TCP"
    for container in (*listed(pod, "spec", "containers"), *sidecars):
        for offered in listed(container, "ports"):
            if text(offered, "name") == name and (text(offered, "protocol") or "TCP") == protocol:
                return integer(offered, "containerPort")
    return None
