"""How much of a namespace's quota an object takes, and whether there is enough.

Rules: plugin/pkg/admission/resourcequota, pkg/quota/v1/evaluator/core; what is counted are Pods, claims and objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.quantity import Quantity, quantity_or_none

__all__ = ["exceeded", "taken"]

JSON = Mapping[str, Any]

_COUNTED: Final = {
    "Pod": "pods",
    "Service": "services",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "ReplicationController": "replicationcontrollers",
    "ResourceQuota": "resourcequotas",
}
_COMPUTED: Final = ("cpu", "memory", "ephemeral-storage")
_ONE: Final = 10**9


def taken(obj: JSON) -> dict[str, Quantity]:
    """What an object counts for, by the names that `spec.hard` uses.

    >>> container = {"resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": "1"}}}
    >>> {name: str(amount) for name, amount in taken({"kind": "Pod", "spec": {"containers": [container]}}).items()}
    {'pods': '1', 'requests.cpu': '500m', 'cpu': '500m', 'limits.cpu': '1'}
    """
    kind = text(obj, "kind")
    if kind == "Pod" and text(obj, "status", "phase") in ("Succeeded", "Failed"):
        return {}
    found = {_COUNTED[kind]: Quantity(_ONE)} if kind in _COUNTED else {}
    if kind == "Pod":
        for name in _COMPUTED:
            for part in ("requests", "limits"):
                amounts = [
                    quantity_or_none(mapping(each, "resources", part).get(name))
                    for each in listed(obj, "spec", "containers")
                ]
                total = sum(amount.nano for amount in amounts if amount is not None)
                if total:
                    amount = Quantity(total, next(each.format for each in amounts if each is not None))
                    found[f"{part}.{name}"] = amount
                    if part == "requests":
                        found[name] = amount
    if kind == "PersistentVolumeClaim":
        asked = quantity_or_none(mapping(obj, "spec", "resources", "requests").get("storage"))
        if asked is not None:
            found["requests.storage"] = asked
    return found


def exceeded(quota: JSON, obj: JSON, others: Iterable[JSON]) -> str:
    """What a quota has against a new object beside the `others` of its namespace; '' if nothing.

    >>> quota = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}
    >>> exceeded(quota, {"kind": "Pod"}, [{"kind": "Pod"}])
    'exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
    """
    hard = {name: found for name, value in mapping(quota, "spec", "hard").items() if (found := quantity_or_none(value))}
    wanted = taken(obj)
    name = text(quota, "metadata", "name")
    if text(obj, "kind") == "Pod":
        missing = sorted(each for each in hard if each.rpartition(".")[2] in _COMPUTED and each not in wanted)
        if missing:
            return f"failed quota: {name}: must specify {','.join(missing)} for: {_names(obj)}"
    asked = {each: amount for each, amount in wanted.items() if each in hard}
    if not asked:
        return ""
    used = dict.fromkeys(asked, 0)
    for other in others:
        for each, amount in taken(other).items():
            if each in used:
                used[each] += amount.nano
    over = sorted(each for each, amount in asked.items() if used[each] + amount.nano > hard[each].nano)
    if not over:
        return ""
    shown = [
        ",".join(f"{each}={amount[each]}" for each in over)
        for amount in (asked, {each: Quantity(used[each], hard[each].format) for each in over}, hard)
    ]
    return f"exceeded quota: {name}, requested: {shown[0]}, used: {shown[1]}, limited: {shown[2]}"


def _names(pod: JSON) -> str:
    return ",".join(text(each, "name") for each in listed(pod, "spec", "containers"))
