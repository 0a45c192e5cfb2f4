"""What the API server checks of fields and resources that a Pod shows to itself (the Downward API)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.fields import text
from k8sviz.rules.quantity import quantity_or_none
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.validate.names import is_qualified
from k8sviz.validate.published import Part

__all__ = ["ENV_FIELDS", "FILE_FIELDS", "field_ref", "resource_ref"]

JSON = Mapping[str, Any]

ENV_FIELDS: Final = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
FILE_FIELDS: Final = ("metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations")
_OLD_FIELDS: Final = {"spec.host": "spec.nodeName"}  # taken, and read as the other
_ONE_KEY: Final = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]", re.DOTALL)
_HUGE: Final = ("limits.hugepages-", "requests.hugepages-")
_RESOURCES: Final = tuple(
    f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "memory", "ephemeral-storage")
)
_DIVISORS: Final = {
    "cpu": ("1m", "1"),
    "memory": ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"),
}


def field_ref(reference: JSON, known: tuple[str, ...], path: FieldPath) -> Iterator[Problem]:
    """A field of the Pod that can be shown: one of those known, or one key of its labels or annotations."""
    if text(reference, "apiVersion") not in ("", "v1"):
        yield Problem((*path, "apiVersion"), "field-version", {"value": shown_value(reference["apiVersion"])})
    written = text(reference, "fieldPath")
    one = _ONE_KEY.fullmatch(written)
    if not written or _OLD_FIELDS.get(written, written) in known:
        return
    shown = {"value": shown_value(written), "known": ", ".join(known)}
    if one is None:
        yield Problem((*path, "fieldPath"), "whole-map" if written in FILE_FIELDS else "field-path", shown)
    elif not is_qualified(one[2].lower() if one[1] == "annotations" else one[2]):
        yield Problem((*path, "fieldPath"), "label-key", {"value": shown_value(one[2])})


def resource_ref(part: Part, _: JSON) -> Iterator[Problem]:
    """A resource of a container that can be shown, in units that fit it."""
    resource = text(part.value, "resource")
    if resource and resource not in _RESOURCES and not resource.startswith(_HUGE):
        yield Problem(
            (*part.path, "resource"), "resource", {"value": shown_value(resource), "known": ", ".join(_RESOURCES)}
        )
        return
    divisor = quantity_or_none(part.value.get("divisor"))
    allowed = _DIVISORS["cpu" if resource.endswith(".cpu") else "memory"]
    written = str(part.value.get("divisor", "")).strip()
    # compared as Kubernetes prints it, which keeps a leading zero or sign
    fits = str(divisor) in allowed and not re.match(r"\+|0\d", written)
    if resource and divisor is not None and divisor.nano and not fits:
        yield Problem(
            (*part.path, "divisor"),
            "divisor",
            {"value": shown_value(part.value["divisor"]), "known": ", ".join(allowed)},
        )
