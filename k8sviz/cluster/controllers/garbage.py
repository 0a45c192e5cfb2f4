"""The garbage collector: what an owner that is gone leaves behind goes too, or is let go.

Kubernetes' pkg/controller/garbagecollector (v1.36): background, foreground and orphan deletion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from k8sviz.cluster.controllers.kit import Controller, Key, key_of, replaced
from k8sviz.cluster.refused import Refused
from k8sviz.rules.fields import flag, listed, strings, text
from k8sviz.rules.meta import is_terminating

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.history import Object

__all__ = ["GarbageCollector"]

_FOREGROUND = "foregroundDeletion"
_ORPHAN = "orphan"


class GarbageCollector(Controller):
    """Looks at an object when an owner of it is gone or about to go, or when it is about to go itself."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        # an owner that was not there in the beginning is of a kind that nobody recorded: it counts as there
        uids = {text(ref, "uid") for obj in self.api.all() for ref in listed(obj, "metadata", "ownerReferences")}
        self._elsewhere = {uid for uid in uids if self.api.by_uid(uid) is None}

    def _seen(self, change: str, obj: Object) -> None:
        if change == "DELETED":
            for dependent in self.api.owned(obj):
                self._look(dependent)
            for ref in listed(obj, "metadata", "ownerReferences"):
                owner = self.api.by_uid(text(ref, "uid"))
                if owner is not None and _FOREGROUND in strings(owner, "metadata", "finalizers"):
                    self._look(owner)
            return
        owners = listed(obj, "metadata", "ownerReferences")
        if any(self._is_gone(text(ref, "uid")) for ref in owners):
            self._look(obj)
        finalizers = strings(obj, "metadata", "finalizers")
        if is_terminating(obj) and (_FOREGROUND in finalizers or _ORPHAN in finalizers):
            self._look(obj)

    def _is_gone(self, uid: str) -> bool:
        return uid not in self._elsewhere and self.api.by_uid(uid) is None

    def _look(self, obj: Object) -> None:
        namespace, name = key_of(obj)
        self.enqueue((obj["kind"], namespace, name))

    def _sync(self, key: Key) -> None:
        obj = self.api.find(key[0], key[2], key[1])
        if obj is None:
            return
        finalizers = strings(obj, "metadata", "finalizers")
        if is_terminating(obj) and _ORPHAN in finalizers:
            self._orphan(obj)
        elif is_terminating(obj) and _FOREGROUND in finalizers:
            self._wait_for_dependents(obj)
        elif not is_terminating(obj):
            self._without_owners(obj)

    def _without(self, obj: Object, finalizer: str) -> None:
        kept = [one for one in strings(obj, "metadata", "finalizers") if one != finalizer]
        self.api.replace(replaced(obj, "metadata", "finalizers", value=kept or None))

    def _orphan(self, owner: Object) -> None:
        """Dependents stay, and no longer name the owner; then the owner goes."""
        uid = text(owner, "metadata", "uid")
        for dependent in self.api.owned(owner):
            kept = [ref for ref in listed(dependent, "metadata", "ownerReferences") if text(ref, "uid") != uid]
            self.api.replace(replaced(dependent, "metadata", "ownerReferences", value=kept or None))
        self._without(owner, _ORPHAN)

    def _wait_for_dependents(self, owner: Object) -> None:
        """Dependents go first; the owner when none is left that blocks it (processDeletingDependentsItem)."""
        uid = text(owner, "metadata", "uid")
        blocking = False
        for dependent in self.api.owned(owner):
            ref = next(ref for ref in listed(dependent, "metadata", "ownerReferences") if text(ref, "uid") == uid)
            blocking = blocking or bool(flag(ref, "blockOwnerDeletion"))
            if not is_terminating(dependent):
                self._look(dependent)
        if not blocking:
            self._without(owner, _FOREGROUND)

    def _without_owners(self, obj: Object) -> None:
        """attemptToDeleteItem: it goes when no owner is left to keep it."""
        refs = listed(obj, "metadata", "ownerReferences")
        uids = [text(ref, "uid") for ref in refs]
        leaving = [uid for uid in uids if (owner := self.api.by_uid(uid)) is not None and _waits(owner)]
        solid = [uid for uid in uids if not self._is_gone(uid) and uid not in leaving]
        if not refs or len(solid) == len(refs):
            return
        if solid:  # somebody else still wants it
            kept = [ref for ref in refs if text(ref, "uid") in solid]
            self.api.replace(replaced(obj, "metadata", "ownerReferences", value=kept))
            return
        policy: Literal["Background", "Foreground", "Orphan"] = "Background"
        if leaving and self.api.owned(obj):
            policy = "Foreground"
        finalizers = strings(obj, "metadata", "finalizers")
        if _ORPHAN in finalizers:
            policy = "Orphan"
        elif _FOREGROUND in finalizers:
            policy = "Foreground"
        try:
            self.api.delete(
                obj["kind"],
                text(obj, "metadata", "name"),
                text(obj, "metadata", "namespace"),
                propagation=policy,
                uid=text(obj, "metadata", "uid"),
            )
        except Refused as refusal:
            if refusal.reason != "NotFound":
                raise


def _waits(owner: Object) -> bool:
    return is_terminating(owner) and _FOREGROUND in strings(owner, "metadata", "finalizers")
