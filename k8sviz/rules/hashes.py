"""The short hashes in the names that controllers give: of a Pod template, and of a StatefulSet's revision.

Rules: pkg/controller/history (HashControllerRevision), pkg/controller/controller_utils.go (ComputeHash),
apimachinery's util/rand (SafeEncodeString).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["go_json", "revision_hash", "template_hash"]

_DIGITS: Final = str.maketrans("0123456789", "456789bcdf")  # no vowels, so that no hash is a word
_BASIS: Final = 2166136261
_PRIME: Final = 16777619
_GO_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def go_json(value: object) -> str:
    """The value as Go's encoder writes a map: sorted keys, no spaces, `<`, `>` and `&` escaped."""
    written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for letter, escape in _GO_ESCAPES.items():
        written = written.replace(letter, escape)
    return written


def revision_hash(data: Mapping[str, Any], collisions: int = 0) -> str:
    """The hash of a ControllerRevision's `data`, the same as Kubernetes': FNV-1 of its JSON and the collision count.

    >>> revision_hash({"spec": {"template": {"$patch": "replace", "metadata": {"labels": {"app": "kubia"}}}}})
    '6dc59c5cbf'
    """
    number = _BASIS
    for byte in f"{go_json(data)}{collisions}".encode("utf-8", "surrogatepass"):
        number = (number * _PRIME & 0xFFFFFFFF) ^ byte
    return str(number).translate(_DIGITS)


def template_hash(template: Mapping[str, Any], collisions: int | None = None) -> str:
    """Letters that stand for a Pod template in a ReplicaSet's name: as long and of the same letters as Kubernetes'.

    Kubernetes hashes how Go prints the template's structures, fields that are not set included; this is the hash of
    the template's JSON, so the letters are others. The same template has the same ones.

    >>> template_hash({"metadata": {"labels": {"app": "kubia"}}})
    '76ffb7ddc6'
    """
    number = _BASIS
    for byte in f"{go_json(template)}{'' if collisions is None else collisions}".encode("utf-8", "surrogatepass"):
        number = ((number ^ byte) * _PRIME) & 0xFFFFFFFF
    return str(number).translate(_DIGITS)
