"""A Pod's quality of service: who goes first when a node runs out of memory.

Rule: pkg/apis/core/v1/helper/qos/qos.go, ComputePodQOS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from k8sviz.rules.fields import listed, mapping
from k8sviz.rules.quantity import quantity_or_none

__all__ = ["qos_class"]

_COUNTED: Final = ("cpu", "memory")


def qos_class(pod: Mapping[str, Any]) -> str:
    """Guaranteed, Burstable or BestEffort.

    >>> limits = {"cpu": "1", "memory": "1Gi"}
    >>> qos_class({"spec": {"containers": [{"resources": {"limits": limits, "requests": limits}}]}})
    'Guaranteed'
    >>> qos_class({"spec": {"containers": [{}]}})
    'BestEffort'
    """
    containers = [*listed(pod, "spec", "containers"), *listed(pod, "spec", "initContainers")]
    parts = [mapping(pod, "spec", "resources")] if mapping(pod, "spec", "resources") else []
    parts = parts or [mapping(container, "resources") for container in containers]
    named = [_amounts(part, kind) for part in parts for kind in ("requests", "limits")]
    if not any(named):
        return "BestEffort"
    for part in parts:
        limits, requests = _amounts(part, "limits"), _amounts(part, "requests")
        if set(limits) != set(_COUNTED) or any(requests.get(name, limits[name]) != limits[name] for name in limits):
            return "Burstable"
    return "Guaranteed"


def _amounts(resources: Mapping[str, Any], kind: str) -> dict[str, Any]:
    found = {name: quantity_or_none(mapping(resources, kind).get(name)) for name in _COUNTED}
    return {name: amount for name, amount in found.items() if amount is not None and amount.nano}
