"""Objects in the order in which the API server writes their fields: that of Go's structs, not of the alphabet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["as_sent"]

_TOP: Final = ("kind", "apiVersion", "metadata", "spec", "status")
_META: Final = (
    *("name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp"),
    *("deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers"),
)


def as_sent(obj: Mapping[str, Any]) -> dict[str, Any]:
    """An object with its head's and its metadata's fields in order; what is not among them follows.

    >>> as_sent({"data": {}, "metadata": {"labels": {}, "name": "a"}, "kind": "ConfigMap"})
    {'kind': 'ConfigMap', 'metadata': {'name': 'a', 'labels': {}}, 'data': {}}
    """
    found = _ordered(obj, _TOP)
    if isinstance(found.get("metadata"), Mapping):
        found["metadata"] = _ordered(found["metadata"], _META)
    return found


def _ordered(value: Mapping[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    return {key: value[key] for key in (*(key for key in order if key in value), *(k for k in value if k not in order))}
