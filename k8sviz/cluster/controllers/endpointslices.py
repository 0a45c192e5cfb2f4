"""The EndpointSlice controller: which Pods a Service sends to, in slices of at most a hundred.

Kubernetes' pkg/controller/endpointslice and k8s.io/endpointslice (v1.36); what a slice says is in `rules/endpoints`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k8sviz.cluster.controllers.kit import Controller, Key, key_of, owner_reference
from k8sviz.rules.endpoints import endpoint_of, has_endpoint, ports_of
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.selectors import labels_of
from k8sviz.rules.services import SERVICE_LABEL as _SERVICE
from k8sviz.rules.services import is_headless

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.history import Object

__all__ = ["EndpointSliceController"]

_MOST = 100  # endpoints in a slice
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_MANAGER = "endpointslice-controller.k8s.io"
_TRIGGERED = "endpoints.kubernetes.io/last-change-trigger-time"


class EndpointSliceController(Controller):
    """Looks at a Service when it or a Pod that it selects changed; only those Pods are looked at again."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self._services: dict[str, dict[str, Mapping[str, str]]] = {}  # selectors by namespace and name
        self._pods: dict[Key, Mapping[str, str]] = {}  # labels
        self._changed: dict[Key, dict[str, None]] = {}  # names of Pods by Service

    def _seen(self, change: str, obj: Object) -> None:
        kind = obj["kind"]
        if kind == "Service":
            self._service_seen(change, obj)
        elif kind == "Pod":
            self._pod_seen(change, obj)
        elif kind == "EndpointSlice" and change == "DELETED":
            name = text(obj, "metadata", "labels", _SERVICE)
            service = self.api.find("Service", name, key_of(obj)[0])
            if service is not None:
                self._service_seen("MODIFIED", service)

    def _service_seen(self, change: str, service: Object) -> None:
        namespace, name = key = key_of(service)
        selector = mapping(service, "spec", "selector")
        known = self._services.setdefault(namespace, {})
        if change == "DELETED" or not selector:
            known.pop(name, None)
            return
        known[name] = selector
        self._changed.setdefault(key, {}).update(
            (pod, None) for (space, pod), labels in self._pods.items() if space == namespace
        )
        self.enqueue(key)

    def _pod_seen(self, change: str, pod: Object) -> None:
        namespace, name = key = key_of(pod)
        labels = labels_of(pod)
        before = self._pods.get(key, {})
        for service, selector in self._services.get(namespace, {}).items():
            if selector.items() <= labels.items() or selector.items() <= before.items():
                self._changed.setdefault((namespace, service), {})[name] = None
                self.enqueue((namespace, service))
        if change == "DELETED":
            self._pods.pop(key, None)
        else:
            self._pods[key] = labels

    def _sync(self, key: Key) -> None:
        """Put the Pods that changed into the Service's slices, or take them out, and write the slices that differ."""
        changed = self._changed.pop(key, {})
        service = self.api.find("Service", key[1], key[0])
        if service is None or not mapping(service, "spec", "selector"):
            return
        slices = [_Slice(obj) for obj in self.api.owned(service, "EndpointSlice")]
        place = {pod: one for one in slices for pod in one.endpoints}
        for name in changed:
            pod = self.api.find("Pod", name, key[0])
            self._put(service, name, pod, place, slices)
        if not slices:
            slices.append(_Slice(None))  # a Service that selects nobody has one that is empty
        kept = [one for one in slices if one.endpoints]
        for one in slices:
            if one.endpoints or not (kept or one is not slices[0]):
                self._write(service, one)
            elif one.written is not None:
                self.api.delete("EndpointSlice", key_of(one.written)[1], key[0])

    def _put(
        self, service: Object, name: str, pod: Object | None, place: dict[str, _Slice], slices: list[_Slice]
    ) -> None:
        selector = mapping(service, "spec", "selector")
        before = place.pop(name, None)
        if pod is None or not has_endpoint(pod) or not selector.items() <= labels_of(pod).items():
            if before is not None:
                before.endpoints.pop(name)
            return
        ports = ports_of(service, pod)
        if before is not None and before.ports != ports and before.endpoints.keys() != {name}:
            before.endpoints.pop(name)
            before = None
        room = before or next((one for one in slices if one.has_room(ports)), None)
        if room is None:
            room = _Slice(None)
            slices.append(room)
        room.ports = ports
        room.endpoints[name] = endpoint_of(service, pod)
        place[name] = room

    def _write(self, service: Object, one: _Slice) -> None:
        labels = {
            **labels_of(service),
            _MANAGED_BY: _MANAGER,
            _SERVICE: text(service, "metadata", "name"),
            **({"service.kubernetes.io/headless": ""} if is_headless(service) else {}),
        }
        content: dict[str, Any] = {
            "addressType": "IPv4",
            "endpoints": list(one.endpoints.values()) or None,
            "ports": (one.ports or None) if one.endpoints else None,
        }
        if one.written is None:
            stem = text(service, "metadata", "name")
            meta = {
                "generateName": f"{stem}-",
                "namespace": text(service, "metadata", "namespace"),
                "labels": labels,
                "annotations": {_TRIGGERED: self.clock.stamp()},
                "ownerReferences": [owner_reference(service)],
            }
            self.api.create({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta, **content})
            return
        same = all(one.written.get(field) == value for field, value in content.items())
        if same and labels_of(one.written) == labels:
            return
        notes = {**mapping(one.written, "metadata", "annotations"), _TRIGGERED: self.clock.stamp()}
        meta = {**one.written["metadata"], "labels": labels, "annotations": notes}
        self.api.replace({**one.written, "metadata": meta, **content})


class _Slice:
    """A slice in the making: what is written (None: nothing yet), its endpoints by Pod, its ports."""

    def __init__(self, written: Object | None) -> None:
        self.written = written
        self.endpoints = {text(e, "targetRef", "name"): e for e in listed(written, "endpoints")}
        self.ports: list[Any] = [dict(port) for port in listed(written, "ports")]

    def has_room(self, ports: list[Any]) -> bool:
        """Whether an endpoint with these ports fits in."""
        return not self.endpoints or (len(self.endpoints) < _MOST and self.ports == ports)
