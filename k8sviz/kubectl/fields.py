"""Field selectors: `involvedObject.name=fortune,type!=Normal`, and which fields a kind can be asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from k8sviz.rules.fields import text

__all__ = ["parse_fields"]

_ALWAYS: Final = ("metadata.name", "metadata.namespace")
# pkg/apis/*/v1/conversion.go: AddFieldLabelConversionFunc of each kind
_OF: Final[dict[str, tuple[str, ...]]] = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    "Event": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "Secret": ("type",),
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase",),
    "ReplicationController": ("status.replicas",),
    "ReplicaSet": ("status.replicas",),
    "Service": ("spec.clusterIP", "spec.type"),
    "Job": ("status.successful",),
    "CertificateSigningRequest": ("spec.signerName",),
}


def parse_fields(kind: str, selector: str) -> Callable[[Mapping[str, Any]], bool]:
    """A test of objects for `--field-selector`. Raises ValueError, in the API server's words, for another field.

    >>> test = parse_fields("Pod", "status.phase!=Running,spec.nodeName=n1")
    >>> test({"spec": {"nodeName": "n1"}, "status": {"phase": "Pending"}})
    True
    """
    terms: list[tuple[str, bool, str]] = []
    for part in filter(None, (part.strip() for part in selector.split(","))):
        field, unequal, wanted = part.partition("!=")
        if not unequal:
            field, equal, wanted = part.replace("==", "=", 1).partition("=")
            if not equal:
                raise ValueError(f"invalid selector: '{selector}'; can't understand '{part}'")
        if field not in _ALWAYS + _OF.get(kind, ()):
            raise ValueError(f"field label not supported: {field}")
        terms.append((field, not unequal, wanted))
    return lambda obj: all((_value(obj, field) == wanted) is equal for field, equal, wanted in terms)


def _value(obj: Mapping[str, Any], field: str) -> str:
    if field == "source":
        return text(obj, "source", "component") or text(obj, "reportingComponent")
    found: Any = obj
    for name in field.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    if found is None:
        return "false" if field in ("spec.unschedulable", "spec.hostNetwork") else ""
    return str(found).lower() if isinstance(found, bool) else str(found)
