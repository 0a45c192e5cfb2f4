"""How the API server shows what an update would change in a spec that is fixed: a unified difference of its own types.

Rule: apimachinery/pkg/util/diff over pkg/apis/core/types.go; `internal.json` lists its fields (tools/internal_types.py
wrote it).
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from k8sviz.rules.fields import listed, mapping, text

__all__ = ["claim_difference", "pod_difference"]

_JSON = Mapping[str, Any]
_OF_THE_NODE: Final = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")
_MAY_CHANGE: Final = ("tolerations", "activeDeadlineSeconds", "terminationGracePeriodSeconds")


@functools.cache
def _types() -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = json.loads((resources.files(__package__) / "internal.json").read_bytes())
    return found


def claim_difference(old: _JSON, new: _JSON) -> str:
    """What an update of a claim's spec would change, lines as `diff -u` has them; a bound claim may grow."""
    before, after = dict(mapping(old, "spec")), dict(mapping(new, "spec"))
    if text(old, "status", "phase") == "Bound":
        after.update((name, before[name]) for name in ("resources", "volumeAttributesClassName") if name in before)
    return _difference("PersistentVolumeClaimSpec", before, after)


def pod_difference(old: _JSON, new: _JSON) -> str:
    """What an update of a Pod's spec would change, but for what may change."""
    before = {**mapping(old, "spec")}
    after = {**mapping(new, "spec")}
    after.update((name, before[name]) for name in _MAY_CHANGE if name in before)
    for part in ("containers", "initContainers"):
        images = [each.get("image") for each in listed(before, part)]
        if part in after and len(images) == len(listed(after, part)):
            pairs = zip(listed(after, part), images, strict=True)
            after[part] = [{**each, "image": image} for each, image in pairs]
    return _difference("PodSpec", _internal_pod(before), _internal_pod(after))


def _internal_pod(spec: dict[str, Any]) -> dict[str, Any]:
    """What a Pod shares with its node is part of its securityContext there."""
    shared = {name: spec[name] for name in _OF_THE_NODE if name in spec}
    return {**spec, "securityContext": {**mapping(spec, "securityContext"), **shared}}


def _difference(kind: str, old: _JSON, new: _JSON) -> str:
    before, after = (_shown(_internal(kind, each)).splitlines(keepends=True) for each in (old, new))
    return "".join(list(difflib.unified_diff(before, after, n=3))[2:])


def _internal(kind: str, value: _JSON) -> dict[str, Any]:
    """An object with all fields of the internal type, in its order."""
    given = {name.lower(): each for name, each in value.items()}
    found: dict[str, Any] = {}
    for name, inner, nothing in _types()[kind]:
        each = given.get(name.lower(), nothing)
        if inner and isinstance(each, Mapping):
            each = _internal(inner, each)
        elif inner and isinstance(each, list):
            each = [_internal(inner, item) if isinstance(item, Mapping) else item for item in each]
        found[name] = each
    return found


def _shown(value: Any) -> str:
    """JSON as Go writes it."""
    written = json.dumps(value, indent=1, ensure_ascii=False)
    for letter in "<>&":
        written = written.replace(letter, f"\\u{ord(letter):04x}")
    return written + "\n"
