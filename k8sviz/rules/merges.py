"""How a patch changes an object: JSON merge patch, strategic merge patch, and what `kubectl apply` computes.

Rules: RFC 7386; apimachinery/pkg/util/strategicpatch. Which lists are merged, and by which key, is published with each
field (`x-kubernetes-patch-merge-key`); the same names mean the same everywhere, but for `ports`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from k8sviz.errors import K8svizError
from k8sviz.rules.fields import JSON
from k8sviz.words import say

__all__ = ["MERGE_KEYS", "merge_key", "merge_patch", "merged", "strategic", "three_way"]


MERGE_KEYS: Final[Mapping[str, str]] = {
    "addresses": "type",
    "conditions": "type",
    "containers": "name",
    "drivers": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "hostAliases": "ip",
    "hostIPs": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "podIPs": "ip",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "secrets": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""The key that tells the items of a list apart, by the list's name."""
_SETS: Final = frozenset({"finalizers", "podCIDRs"})  # lists of plain values that are merged
_KEPT_APART: Final = frozenset({"strategy", "volumes", "resourceClaims"})  # retainKeys: a new type takes the old away
_CONTAINERS: Final = frozenset({"containers", "initContainers", "ephemeralContainers"})
_PATCH: Final = "$patch"
_RETAIN: Final = "$retainKeys"
_DELETE_SET: Final = "$deleteFromPrimitiveList/"
_ORDER: Final = "$setElementOrder/"


def merge_key(name: str, parent: str, items: Sequence[Any] = ()) -> str:
    """The merge key of the list `name` in an item of `parent`; '' for one that a patch replaces.

    >>> merge_key("ports", "containers"), merge_key("ports", "spec"), merge_key("args", "containers")
    ('containerPort', 'port', '')
    """
    if name == "ports":
        key = "containerPort" if parent in _CONTAINERS else "port" if parent == "spec" else ""
    else:
        key = MERGE_KEYS.get(name, "")
    return key if all(isinstance(item, Mapping) for item in items) else ""


# -- RFC 7386 --------------------------------------------------------------------------------------


def merged(current: Any, patch: Any) -> Any:
    """A value with a JSON merge patch applied: null removes, an object goes into, anything else replaces.

    >>> merged({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": 4}})
    {'b': {'c': 4, 'd': 3}}
    """
    if not isinstance(patch, Mapping):
        return patch
    result = dict(current) if isinstance(current, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def merge_patch(current: JSON, wanted: JSON) -> dict[str, Any]:
    """The JSON merge patch that makes `wanted` of `current`.

    >>> merge_patch({"a": 1, "b": {"c": 2}}, {"b": {"c": 3}})
    {'a': None, 'b': {'c': 3}}
    """
    patch: dict[str, Any] = {name: None for name in current if name not in wanted}
    for name, value in wanted.items():
        before = current.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            inner = merge_patch(before, value)
            if inner:
                patch[name] = inner
        elif value != before or name not in current:
            patch[name] = value
    return patch


# -- strategic merge patch -------------------------------------------------------------------------


def strategic(current: JSON, patch: JSON, parent: str = "") -> dict[str, Any]:
    """An object with a strategic merge patch applied; `$patch`, `$retainKeys` and the other directives are understood.

    Raises K8svizError for an item of a merged list without its key, or an unknown directive.

    >>> pod = {"spec": {"containers": [{"name": "app", "image": "a:1"}, {"name": "log", "image": "b"}]}}
    >>> strategic(pod, {"spec": {"containers": [{"name": "app", "image": "a:2"}]}})["spec"]["containers"]
    [{'name': 'app', 'image': 'a:2'}, {'name': 'log', 'image': 'b'}]
    """
    match patch.get(_PATCH):
        case None | "merge":
            pass
        case "replace":
            return {name: value for name, value in patch.items() if name != _PATCH}
        case "delete":
            return {}
        case other:
            raise K8svizError(say("cluster.unknown-directive", value=other))
    result = dict(current)
    if isinstance(patch.get(_RETAIN), list):
        result = {name: value for name, value in result.items() if name in patch[_RETAIN]}
    for name, value in patch.items():
        if name in (_PATCH, _RETAIN) or name.startswith(_ORDER):
            continue
        if name.startswith(_DELETE_SET):
            field = name.removeprefix(_DELETE_SET)
            result[field] = [each for each in result.get(field, ()) if each not in value]
        elif value is None:
            result.pop(name, None)
        else:
            order = patch.get(_ORDER + name)
            result[name] = _patched_value(name, parent, result.get(name), value, order)
    for name in patch:
        if name.startswith(_ORDER) and name.removeprefix(_ORDER) not in patch:
            field = name.removeprefix(_ORDER)
            if isinstance(result.get(field), list):
                result[field] = _ordered(result[field], patch[name], merge_key(field, parent))
    return result


def _patched_value(name: str, parent: str, before: Any, value: Any, order: Any) -> Any:
    if isinstance(value, Mapping):
        return strategic(before if isinstance(before, Mapping) else {}, value, name)
    if not isinstance(value, list):
        return value
    known = before if isinstance(before, list) else []
    key = merge_key(name, parent, [*known, *value])
    if key:
        return _patched_list(name, key, known, value, order)
    if name in _SETS:
        return _ordered([*known, *(each for each in value if each not in known)], order, "")
    return value


def _patched_list(name: str, key: str, before: list[Any], patch: list[Any], order: Any) -> list[Any]:
    if any(item.get(_PATCH) == "replace" for item in patch):
        return [item for item in patch if _PATCH not in item]
    result = list(before)
    for item in patch:
        if key not in item:
            raise K8svizError(say("cluster.no-merge-key", name=name, key=key))
        places = [i for i, each in enumerate(result) if each.get(key) == item[key]]
        if item.get(_PATCH) == "delete":
            result = [each for each in result if each.get(key) != item[key]]
        elif places:
            result[places[0]] = strategic(result[places[0]], item, name)
        else:
            result.append(strategic({}, item, name))
    return _ordered(result, order or [{key: item[key]} for item in patch if item.get(_PATCH) != "delete"], key)


def _ordered(items: list[Any], order: Any, key: str) -> list[Any]:
    """The items with those of `order` in that order; what only the server has keeps its place."""
    wanted = [each.get(key) if key and isinstance(each, Mapping) else each for each in order or ()]
    name_of = [item.get(key) if key and isinstance(item, Mapping) else item for item in items]
    chosen = sorted((i for i in range(len(items)) if name_of[i] in wanted), key=lambda i: wanted.index(name_of[i]))
    places = sorted(chosen)
    result = list(items)
    for place, i in zip(places, chosen, strict=True):
        result[place] = items[i]
    return result


# -- kubectl apply ---------------------------------------------------------------------------------


def three_way(original: JSON, modified: JSON, current: JSON, parent: str = "") -> dict[str, Any]:
    """The strategic merge patch of `kubectl apply`: what `modified` adds or changes over `current`, and what was in
    `original` (the last applied configuration) and no longer is. Empty when there is nothing to do.

    >>> was, now = {"spec": {"a": 1, "b": 1}}, {"spec": {"a": 2}}
    >>> three_way(was, now, {"spec": {"a": 1, "b": 1, "set-by-others": 3}})
    {'spec': {'b': None, 'a': 2}}
    """
    patch: dict[str, Any] = {name: None for name in original if name not in modified and name in current}
    for name, value in modified.items():
        before, last = current.get(name), original.get(name)
        if value is None:  # written as null: to be removed
            if name in current:
                patch[name] = None
        elif isinstance(value, Mapping) and isinstance(before, Mapping):
            inner = three_way(last if isinstance(last, Mapping) else {}, value, before, name)
            if inner and name in _KEPT_APART:
                inner[_RETAIN] = sorted(value)
            if inner:
                patch[name] = inner
        elif isinstance(value, list) and isinstance(before, list):
            _list_patch(patch, name, parent, last if isinstance(last, list) else [], value, before)
        elif value != before:
            patch[name] = value
    return patch


def _list_patch(patch: dict[str, Any], name: str, parent: str, last: list[Any], new: list[Any], old: list[Any]) -> None:
    """Put into `patch` what changes one list."""
    key = merge_key(name, parent, [*last, *new, *old])
    if not key or any(key not in item for item in new):
        if name in _SETS:
            _set_patch(patch, name, last, new, old)
        elif new != old:
            patch[name] = new
        return
    by_key = {item.get(key): item for item in old}
    last_by_key = {item.get(key): item for item in last}
    items: list[dict[str, Any]] = []
    for item in new:
        before = by_key.get(item[key])
        if before is None:
            items.append(dict(item))
            continue
        inner = three_way(last_by_key.get(item[key], {}), item, before, name)
        if inner:
            kept = {_RETAIN: sorted(item)} if name in _KEPT_APART else {}
            items.append({**kept, key: item[key], **inner})
    wanted = [item[key] for item in new]
    gone = [value for value in last_by_key if value not in wanted and value in by_key]
    items += [{_PATCH: "delete", key: value} for value in gone]
    if items or [value for value in by_key if value in wanted] != wanted:
        patch[_ORDER + name] = [{key: value} for value in wanted]
        if items:
            patch[name] = items


def _set_patch(patch: dict[str, Any], name: str, last: list[Any], new: list[Any], old: list[Any]) -> None:
    gone = [each for each in last if each not in new and each in old]
    if gone:
        patch[_DELETE_SET + name] = gone
    if any(each not in old for each in new):
        patch[name] = [each for each in new if each not in old]
