"""What a kind of workload owns: found by owner, taken in when labels fit, let go when they no longer do.

Kubernetes' pkg/controller/controller_ref_manager.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from k8sviz.cluster.controllers.kit import Key, key_of, owner_reference, replaced, without_owner
from k8sviz.rules.fields import listed, mapped, text
from k8sviz.rules.meta import controller_of, is_terminating
from k8sviz.rules.selectors import labels_of, matches

if TYPE_CHECKING:
    from k8sviz.cluster.api import API
    from k8sviz.history import Object

__all__ = ["Owned", "adopt", "release"]


def adopt(api: API, owner: Object, orphan: Object) -> Object:
    """Make an object without a controller one of the owner's."""
    owners = [*listed(orphan, "metadata", "ownerReferences"), owner_reference(owner)]
    return api.replace(replaced(orphan, "metadata", "ownerReferences", value=owners))


def release(api: API, owner: Object, obj: Object) -> Object:
    """The owner lets an object go, which stays without it."""
    return api.replace(without_owner(obj, text(owner, "metadata", "uid")))


class Owned:
    """The objects of one kind by the workloads of another kind that control them."""

    def __init__(self, api: API, kind: str, owner_kind: str) -> None:
        self.api = api
        self.kind = kind
        self.owner_kind = owner_kind
        self._owned: dict[str, dict[Key, Object]] = {}
        self._orphans: dict[str, dict[Key, Object]] = {}
        self._place: dict[Key, tuple[str, str]] = {}  # owner's uid ('' for none), owner's name
        self._ages: dict[str, int] = {}

    def seen(self, change: str, obj: Object) -> list[Key]:
        """Note a change; returns the owners that should look at it."""
        key = key_of(obj)
        ref = controller_of(obj)
        uid, name = (text(ref, "uid"), text(ref, "name")) if ref is not None else ("", "")
        if ref is not None and text(ref, "kind") != self.owner_kind:
            return []
        told = [name] if name else []
        before = self._place.pop(key, None)
        if before is not None:
            self._at(before[0], key[0]).pop(key, None)
            if before[1] and before[1] not in told:
                told.append(before[1])
        if change != "DELETED":
            self._ages.setdefault(text(obj, "metadata", "uid"), len(self._ages))
            self._place[key] = uid, name
            self._at(uid, key[0])[key] = obj
        keys: list[Key] = [(key[0], owner) for owner in told]
        return keys if uid or change == "DELETED" else keys + self._interested(obj)

    def _at(self, uid: str, namespace: str) -> dict[Key, Object]:
        return self._owned.setdefault(uid, {}) if uid else self._orphans.setdefault(namespace, {})

    def _interested(self, orphan: Object) -> list[Key]:
        """The workloads whose selector selects an orphan."""
        labels = labels_of(orphan)
        owners = self.api.list(self.owner_kind, key_of(orphan)[0])
        return [key_of(owner) for owner in owners if matches(mapped(owner, "spec", "selector"), labels)]

    def age(self, obj: Mapping[str, object]) -> int:
        """The order in which objects came: older ones have smaller numbers."""
        return self._ages.get(text(obj, "metadata", "uid"), len(self._ages))

    def siblings(self, obj: Object) -> list[Object]:
        """The object and the others of its controller."""
        ref = controller_of(obj)
        return list(self._owned.get(text(ref, "uid"), {}).values()) if ref is not None else [obj]

    def claim(self, owner: Object) -> list[Object]:
        """The owner's objects, after it has adopted those that it selects and let go those that it does not."""
        selector = mapped(owner, "spec", "selector")
        found = []
        for obj in list(self._owned.get(text(owner, "metadata", "uid"), {}).values()):
            if matches(selector, labels_of(obj)):
                found.append(obj)
            elif not is_terminating(owner):
                release(self.api, owner, obj)
        if is_terminating(owner):
            return found
        orphans = self._orphans.get(key_of(owner)[0], {})
        wanted = [o for o in orphans.values() if not is_terminating(o) and matches(selector, labels_of(o))]
        return found + [adopt(self.api, owner, orphan) for orphan in wanted]
