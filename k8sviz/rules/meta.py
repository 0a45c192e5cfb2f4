"""What every object says of itself: its key and name, its owners, its conditions, and whether it is to go."""

from typing import NamedTuple

from k8sviz.kinds import Ref
from k8sviz.rules.fields import JSON, listed, mapping, text

__all__ = [
    "Key",
    "condition",
    "condition_status",
    "controller_of",
    "is_terminating",
    "key_of",
    "owners_of",
    "ref_of",
    "uid_of",
]


class Key(NamedTuple):
    """What makes two events speak of the same object (RECORDING-FORMAT: the fold's key)."""

    api_version: str
    kind: str
    namespace: str
    name: str


def key_of(obj: JSON) -> Key:
    """The key of an object as the API sends it; missing fields count as ''."""
    meta = mapping(obj, "metadata")
    return Key(text(obj, "apiVersion"), text(obj, "kind"), text(meta, "namespace"), text(meta, "name"))


def ref_of(obj: JSON) -> Ref:
    """The object's kind, name and namespace."""
    meta = mapping(obj, "metadata")
    return Ref(text(obj, "kind"), text(meta, "name"), text(meta, "namespace"))


def uid_of(obj: JSON) -> str:
    """metadata.uid; '' in a manifest."""
    return text(obj, "metadata", "uid")


def owners_of(obj: JSON) -> list[JSON]:
    """metadata.ownerReferences, the controller first.

    >>> owners = [{"name": "a"}, {"name": "b", "controller": True}]
    >>> [owner["name"] for owner in owners_of({"metadata": {"ownerReferences": owners}})]
    ['b', 'a']
    """
    return sorted(listed(obj, "metadata", "ownerReferences"), key=lambda owner: owner.get("controller") is not True)


def controller_of(obj: JSON) -> JSON | None:
    """The owner that is marked as the controller; None when there is none (metav1.GetControllerOf)."""
    return next((owner for owner in owners_of(obj) if owner.get("controller") is True), None)


def is_terminating(obj: JSON) -> bool:
    """Whether the object was asked to go: metadata.deletionTimestamp."""
    return mapping(obj, "metadata").get("deletionTimestamp") is not None


def condition(obj: JSON, kind: str) -> JSON:
    """The condition of that type in status.conditions, of several the last; empty when there is none.

    >>> condition({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, "Ready")["status"]
    'True'
    """
    found = [c for c in listed(obj, "status", "conditions") if text(c, "type") == kind]
    return found[-1] if found else {}


def condition_status(obj: JSON, kind: str) -> str:
    """`True`, `False` or `Unknown`: the status of a condition; '' when there is none."""
    return text(condition(obj, kind), "status")
