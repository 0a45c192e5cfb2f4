"""The API of the simulated cluster: reads and writes objects as the API server does, and tells who watches.

Objects are plain JSON. Those that it returns, and those that were given to it, belong to it: they are never changed
afterwards, neither by it nor by callers. Each request ends with an object, or with `Refused`, worded as the real one.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from k8sviz.cluster.admission import Admission
from k8sviz.cluster.authorization import authorize
from k8sviz.cluster.clock import Clock
from k8sviz.cluster.refused import Refused, already_exists, bad_request, conflict, not_found
from k8sviz.cluster.settings import DEFAULTS, Settings
from k8sviz.cluster.store import Store
from k8sviz.errors import K8svizError
from k8sviz.history import EventType, History, Object
from k8sviz.kinds import KINDS, Kind, kind_or_none
from k8sviz.rules.defaults import begin_status, completed
from k8sviz.rules.deletion import deletion_grace
from k8sviz.rules.field_selectors import field_selector, matches_fields
from k8sviz.rules.fields import integer, mapping, strings, text
from k8sviz.rules.json_patch import json_patched
from k8sviz.rules.merges import merged, strategic
from k8sviz.rules.selectors import labels_of, matches_all, parse_selector

__all__ = ["API", "PatchType", "Propagation", "Watcher"]

Watcher = Callable[[EventType, Object], object]
Propagation = Literal["Background", "Foreground", "Orphan"]
Listed = list[Object]
PatchType = Literal["strategic", "merge", "json"]

_WITHOUT_GENERATION = frozenset(
    {"ConfigMap", "Secret", "ServiceAccount", "Service", "PersistentVolume", "PersistentVolumeClaim", "Node", "Event"}
    | {"Namespace", "StorageClass", "ControllerRevision", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
    | {"LimitRange", "ResourceQuota", "VolumeAttachment", "HorizontalPodAutoscaler"}
)
_WITH_STATUS = frozenset(
    {"Pod", "Node", "Service", "PersistentVolume", "PersistentVolumeClaim", "Namespace", "ReplicationController"}
    | {"ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "PodDisruptionBudget", "ResourceQuota"}
)
_SERVERS = (
    *("name", "namespace", "generateName", "uid", "resourceVersion", "generation", "creationTimestamp"),
    *("deletionTimestamp", "deletionGracePeriodSeconds"),
)
_IN_ORDER = (
    *("name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp"),
    *("deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers"),
)
_NAMELESS = "name or generateName is required"
_NOT_OF_A_NEW_ONE = ("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink")
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # of generated names (apimachinery, util/rand)
_TRIES = 8


class API:
    """What one cluster holds. `history` gets every change as a watch event."""

    def __init__(self, clock: Clock, history: History, settings: Settings = DEFAULTS) -> None:
        self.clock = clock
        self.history = history
        self._store = Store()
        self._version = 1000
        self._watchers: list[Watcher] = []
        self._undelivered: deque[tuple[EventType, Object]] = deque()
        self._delivering = False
        self._admission = Admission(self, settings)

    @property
    def version(self) -> str:
        """The newest resourceVersion."""
        return str(self._version)

    # -- reading -------------------------------------------------------------------------------------

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        """One object by kind (any of kubectl's names) and name; a namespaced one is in `default` if none is given.

        Raises Refused (NotFound).
        """
        known = _kind(kind)
        found = self.find(known.name, name, namespace or "default")
        if found is None:
            raise not_found(known.name, name)
        return found

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """As `get`, but None when there is no such object. `kind` is the kind's own name."""
        spaced = kind not in KINDS or KINDS[kind].namespaced
        return self._store.get(kind, namespace if spaced else "", name)

    def list(self, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = "") -> list[Object]:
        """The objects of a kind, by namespace and name; `labels` and `fields` are what kubectl's selectors take.

        Raises Refused (BadRequest) for a selector that cannot be read or a field that the kind cannot be asked for.
        """
        known = _kind(kind)
        found = self._store.of_kind(known.name, namespace if known.namespaced else None)
        try:
            wanted, terms = parse_selector(labels), field_selector(known.name, fields)
        except K8svizError as error:
            raise bad_request(str(error)) from error
        return [obj for obj in found if matches_all(wanted, labels_of(obj)) and matches_fields(terms, obj)]

    def all(self) -> Iterator[Object]:
        """Every object there is."""
        for kind in self._store.kinds():
            yield from self._store.of_kind(kind)

    def count(self, kind: str) -> int:
        """How many objects of a kind there are."""
        return self._store.count(kind)

    def by_uid(self, uid: str) -> Object | None:
        """The object of a uid, or None."""
        return self._store.by_uid(uid)

    def owned(self, owner: Object, kind: str | None = None) -> Listed:
        """The objects (of a kind) that name this one as an owner, oldest first; found by an index."""
        found = self._store.owned(text(owner, "metadata", "uid"))
        return [obj for obj in found if kind is None or obj["kind"] == kind]

    def on_node(self, node: str) -> Listed:
        """The Pods that are bound to a node; found by an index."""
        return [*self._store.on_node(node)]

    def subscribe(self, watcher: Watcher) -> None:
        """Call `watcher(type, object)` for each change from now on, after it was written, in the order of writes."""
        self._watchers.append(watcher)

    # -- writing -------------------------------------------------------------------------------------

    def create(self, obj: Object, *, dry_run: bool = False, user: str = "") -> Object:
        """Create an object, completed and judged as the API server does. Raises Refused."""
        kind = _kind_of(obj)
        meta = dict(mapping(obj, "metadata"))
        _put_namespace(kind, meta)
        authorize(self, user, "create", kind, text(meta, "name"), text(meta, "namespace"))
        if not text(meta, "name") and not text(meta, "generateName"):
            raise Refused(422, "Invalid", f'{kind.name} "" is invalid: metadata.name: Required value: {_NAMELESS}')
        if not text(meta, "name"):
            meta["name"] = self._generated(kind, text(meta, "generateName"), text(meta, "namespace"))
        for field in _NOT_OF_A_NEW_ONE:
            meta.pop(field, None)
        new = self._admission.create({**obj, "metadata": meta})
        meta = dict(new["metadata"])
        if self.find(kind.name, meta["name"], text(meta, "namespace")) is not None:
            raise already_exists(kind.name, meta["name"])
        meta["uid"] = self.new_uid()
        meta["creationTimestamp"] = self.clock.stamp()
        if kind.name not in _WITHOUT_GENERATION:
            meta["generation"] = 1
        new["metadata"] = meta
        return new if dry_run else self._write("ADDED", new)

    def replace(self, obj: Object, *, subresource: str = "", dry_run: bool = False, user: str = "") -> Object:
        """Replace an object, its `status`, or its `scale`. What changes nothing is not written.

        An object with a resourceVersion that is not the newest is a Conflict. Raises Refused.
        """
        kind = _kind_of(obj)
        name = text(obj, "metadata", "name")
        authorize(self, user, "update", kind, name, text(obj, "metadata", "namespace"))
        old = self.get(kind.name, name, text(obj, "metadata", "namespace"))
        given = text(obj, "metadata", "resourceVersion")
        if given and given != old["metadata"]["resourceVersion"]:
            raise conflict(kind.name, name)
        _same_uid(kind, old, text(obj, "metadata", "uid"))
        return self._update(kind, old, obj, subresource, dry_run=dry_run)

    def patch(
        self,
        kind: str,
        name: str,
        namespace: str,
        patch: Any,
        *,
        type: PatchType = "strategic",  # noqa: A002 - kubectl's own word
        subresource: str = "",
        dry_run: bool = False,
        user: str = "",
    ) -> Object:
        """Change an object by a patch. Raises Refused, also for a patch that does not apply."""
        known = _kind(kind)
        authorize(self, user, "patch", known, name, namespace)
        old = self.get(known.name, name, namespace)
        try:
            if type == "json":
                new = json_patched(old, patch)
            elif not isinstance(patch, Mapping):
                raise bad_request("json: cannot unmarshal array into Go value of type map[string]interface {}")
            else:
                new = merged(old, patch) if type == "merge" else strategic(old, patch)
        except Refused:
            raise
        except K8svizError as error:
            raise Refused(422, "Invalid", str(error)) from error
        if text(new, "metadata", "resourceVersion") not in ("", old["metadata"]["resourceVersion"]):
            raise conflict(known.name, name)
        return self._update(known, old, new, subresource, dry_run=dry_run)

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str = "",
        *,
        grace: int | None = None,
        propagation: Propagation = "Background",
        uid: str = "",
        resource_version: str = "",
        dry_run: bool = False,
        user: str = "",
    ) -> Object:
        """Delete an object: at once, or by marking it while a grace period runs or finalizers stand. Raises Refused.

        `grace` is in seconds (None: what the object says); 0 does not wait for the kubelet. `uid` and
        `resource_version` are preconditions. Returns the object as it was last.
        """
        known = _kind(kind)
        authorize(self, user, "delete", known, name, namespace)
        old = self.get(known.name, name, namespace)
        _same_uid(known, old, uid)
        _same_version(known, old, resource_version)
        self._admission.delete(old)
        if dry_run:
            return old
        seconds = deletion_grace(old, grace)
        finalizers = _with_propagation(strings(old, "metadata", "finalizers"), propagation)
        if "deletionTimestamp" not in old["metadata"]:
            return (
                self._write("MODIFIED", self._marked(old, seconds, finalizers))
                if seconds or finalizers
                else (self._remove(old))
            )
        before = integer(old, "metadata", "deletionGracePeriodSeconds") or 0
        seconds = min(seconds, before)
        if not seconds and not finalizers:
            return self._remove(self._write("MODIFIED", self._marked(old, 0, ())) if before else old)
        if seconds == before and finalizers == strings(old, "metadata", "finalizers"):
            return old
        return self._write("MODIFIED", self._marked(old, seconds, finalizers))

    def write(self, obj: Object) -> Object:
        """Replace an object with its status, as bindings do: nothing is judged. What changes nothing is not written."""
        old = self.get(obj["kind"], obj["metadata"]["name"], text(obj, "metadata", "namespace"))
        return old if old == obj else self._write("MODIFIED", obj)

    # -- how ------------------------------------------------------------------------------------------

    def new_uid(self) -> str:
        """A new uid, the same ones for the same seed."""
        return str(uuid.UUID(int=self.clock.random.getrandbits(128), version=4))

    def suffix(self, length: int = 5) -> str:
        """Random letters as generated names end in."""
        return "".join(self.clock.random.choice(_LETTERS) for _ in range(length))

    def load(self, obj: Object) -> Object:
        """Take an object that was there before, as it was; it is not judged, and nobody is told.

        A manifest has no uid: it is completed as if it had been created now.
        """
        if not text(obj, "metadata", "uid"):
            obj = self._as_created(obj)
        version = text(obj, "metadata", "resourceVersion")
        if version.isascii() and version.isdigit() and len(version) < len(str(2**63)):
            self._version = max(self._version, int(version))
        self._store.put(obj)
        self._admission.heard("ADDED", obj)
        return obj

    def _as_created(self, obj: Object) -> Object:
        kind = _kind_of(obj)
        new = completed(obj)
        meta = dict(mapping(new, "metadata"))
        _put_namespace(kind, meta)
        meta |= {"uid": self.new_uid(), "creationTimestamp": self.clock.stamp()}
        if kind.name not in _WITHOUT_GENERATION:
            meta["generation"] = 1
        status = begin_status(kind.name)
        if status is not None:
            new.setdefault("status", status)
        return self._stamped({"apiVersion": kind.api_version, **new, "metadata": meta})

    def _generated(self, kind: Kind, prefix: str, namespace: str) -> str:
        for _ in range(_TRIES):
            name = prefix + self.suffix()
            if self.find(kind.name, name, namespace) is None:
                return name
        raise already_exists(kind.name, name)

    def _marked(self, old: Object, seconds: int, finalizers: Sequence[str]) -> Object:
        """The object with its deletion noted."""
        meta = dict(old["metadata"])
        if "generation" in meta and "deletionTimestamp" not in meta:
            meta["generation"] += 1
        meta["deletionTimestamp"] = self.clock.stamp(self.clock.now + seconds)
        meta["deletionGracePeriodSeconds"] = seconds
        if finalizers:
            meta["finalizers"] = list(finalizers)
        return {**old, "metadata": meta}

    def _update(self, kind: Kind, old: Object, obj: Object, subresource: str, *, dry_run: bool) -> Object:
        if subresource == "scale":
            obj = {**old, "spec": {**mapping(old, "spec"), "replicas": integer(obj, "spec", "replicas") or 0}}
        if subresource == "status":
            new: Object = {**old, "status": obj.get("status", {})}
        else:
            new = {**obj, "metadata": _kept_metadata(old["metadata"], mapping(obj, "metadata"))}
            if kind.name in _WITH_STATUS:
                new = {**{key: new[key] for key in new if key != "status"}, "status": old.get("status", {})}
            new = {**self._admission.update(old, new), "kind": kind.name, "apiVersion": kind.api_version}
            if "generation" in old["metadata"] and _judged(new) != _judged(old):
                new["metadata"] = {**new["metadata"], "generation": old["metadata"]["generation"] + 1}
        if new == old or dry_run:
            return old if new == old else new
        gone = "deletionTimestamp" in new["metadata"] and not new["metadata"].get("finalizers")
        if gone and not integer(new, "metadata", "deletionGracePeriodSeconds"):
            return self._remove(new)
        return self._write("MODIFIED", new)

    def _stamped(self, obj: Object) -> Object:
        self._version += 1
        meta = {**obj["metadata"], "resourceVersion": str(self._version)}
        return {**obj, "metadata": {field: meta[field] for field in (*_IN_ORDER, *meta) if field in meta}}

    def _write(self, change: EventType, obj: Object) -> Object:
        new = self._stamped(obj)
        self._store.put(new)
        self._tell(change, new)
        return new

    def _remove(self, obj: Object) -> Object:
        new = self._stamped(obj)
        self._store.remove(obj)
        self._tell("DELETED", new)
        return new

    def _tell(self, change: EventType, obj: Object) -> None:
        """Watchers hear of writes in their order, also of those that a watcher makes."""
        self.history.append(round(self.clock.now, 3), change, obj)  # as recordings have it
        self._undelivered.append((change, obj))
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._undelivered:
                event = self._undelivered.popleft()
                for watcher in self._watchers:
                    watcher(*event)
        finally:
            self._delivering = False


def _kept_metadata(old: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata that an update leaves: what the server keeps is as it was; nobody adds finalizers to the dying."""
    meta = {field: old[field] for field in _SERVERS if field in old}
    meta.update((field, value) for field, value in given.items() if field not in _SERVERS and value not in ({}, []))
    meta.pop("managedFields", None)
    if "deletionTimestamp" in old:
        kept = [each for each in meta.pop("finalizers", ()) if each in old.get("finalizers", ())]
        if kept:
            meta["finalizers"] = kept
    return meta


def _judged(obj: Object) -> dict[str, Any]:
    """What counts for the generation: all but metadata and status."""
    return {name: value for name, value in obj.items() if name not in ("metadata", "status")}


def _same_uid(kind: Kind, old: Object, uid: str) -> None:
    mine = old["metadata"].get("uid")
    if uid and uid != mine:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {mine}"
        raise conflict(kind.name, old["metadata"]["name"], why)


def _same_version(kind: Kind, old: Object, version: str) -> None:
    mine = old["metadata"].get("resourceVersion")
    if version and version != mine:
        why = f"Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {mine}"
        raise conflict(kind.name, old["metadata"]["name"], why)


def _kind(word: str) -> Kind:
    known = KINDS.get(word) or kind_or_none(word)
    if known is None:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    return known


def _kind_of(obj: Object) -> Kind:
    if not text(obj, "kind"):
        raise bad_request("Object 'Kind' is missing in the request")
    known = _kind(text(obj, "kind"))
    if obj.get("apiVersion", known.api_version) != known.api_version:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    return known


def _put_namespace(kind: Kind, meta: dict[str, Any]) -> None:
    if kind.namespaced:
        meta["namespace"] = text(meta, "namespace") or "default"
    else:
        meta.pop("namespace", None)


def _with_propagation(finalizers: list[str], propagation: Propagation) -> list[str]:
    own = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(propagation)
    kept = [each for each in finalizers if each not in ("foregroundDeletion", "orphan") or each == own]
    return [*kept, own] if own and own not in kept else kept
