"""Field selectors: what `kubectl --field-selector` and the API's fieldSelector ask for.

Rules: apimachinery/pkg/fields; which fields a kind can be asked for is in each kind's registry (GetAttrs,
AddFieldLabelConversionFunc).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from k8sviz.errors import K8svizError
from k8sviz.rules.fields import flag, text

__all__ = ["FieldTerm", "field_selector", "matches_fields"]

_ALL: Final = ("metadata.name", "metadata.namespace")
_OWN: Final[dict[str, tuple[str, ...]]] = {
    "Pod": (
        *("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork"),
        *("status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"),
    ),
    "Event": (
        *("involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid"),
        *("involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath"),
        *("reason", "reportingComponent", "source", "type"),
    ),
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP", "spec.type"),
    "ReplicationController": ("status.replicas",),
    "ReplicaSet": ("status.replicas",),
    "Job": ("status.successful",),
}
_CORE: Final = frozenset({"Pod", "Node", "Secret", "Namespace", "Event", "Service", "ReplicationController"})


class FieldTerm(NamedTuple):
    """One condition: the field (dotted) has, or has not, this value."""

    field: str
    value: str
    equal: bool


def field_selector(kind: str, selector: str) -> tuple[FieldTerm, ...]:
    """Read a field selector: `a=b`, `a==b`, `a!=b`, by commas.

    Raises K8svizError, in the API server's words, for what it does not understand.

    >>> field_selector("Pod", "status.phase!=Running,spec.nodeName=n1")[0]
    FieldTerm(field='status.phase', value='Running', equal=False)
    """
    return tuple(_term(kind, part) for part in selector.split(",") if part)


def _term(kind: str, part: str) -> FieldTerm:
    sign = next((sign for sign in ("!=", "==", "=") if sign in part), "")
    if not sign:
        raise K8svizError(f"invalid selector: '{part}'; can't understand '{part}'")
    name, _, value = part.partition(sign)
    name = name.strip()
    if name not in _ALL and name not in _OWN.get(kind, ()):
        if kind in _CORE:
            raise K8svizError(f"field label not supported: {name}")
        raise K8svizError(f'"{name}" is not a known field selector: only "metadata.name", "metadata.namespace"')
    return FieldTerm(name, value.strip(), sign != "!=")


def matches_fields(terms: Iterable[FieldTerm], obj: Mapping[str, Any]) -> bool:
    """Whether an object meets every term."""
    return all((_value(obj, term.field) == term.value) == term.equal for term in terms)


def _value(obj: Mapping[str, Any], field: str) -> str:
    if field == "source":
        return text(obj, "source", "component") or text(obj, "reportingComponent")
    if field in ("spec.unschedulable", "spec.hostNetwork"):
        return "true" if flag(obj, *field.split(".")) else "false"
    return text(obj, *field.split("."))
