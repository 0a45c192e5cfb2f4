"""A pretended cluster for predictions over time: a clock, a list of what is to happen, and a History of what did.

It holds no rule of a controller; those are in `k8sviz/rules/`, and the simulations ask them.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Object, Result, Step
from k8sviz.rules.availability import is_terminating
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.pods import is_ready
from k8sviz.rules.statefulset import replicas_of

__all__ = ["NODES", "START", "Cluster", "condition", "countable", "pod_ready"]

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
NODES: Final = ("worker-1", "worker-2")
_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes leaves out vowels, so that no name is a word
_MOST_EVENTS: Final = 200_000
_MOST_PODS: Final = 200  # of a workload; each change of one is compared with all, so twice as many take four times


class Cluster:
    """Objects by kind and name, a clock, and things to happen later, in order."""

    def __init__(self, name: str, title: str, namespace: str) -> None:
        stamp = START.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.history = History(About(name, title, namespace, stamp))
        self.namespace = namespace
        self.now = 0.0
        self._todo: list[tuple[float, int, bool, Callable[[], None]]] = []
        self._objects: dict[tuple[str, str], Object] = {}
        self._number = 0
        self._done = 0
        self._watchers: list[Callable[[str, Object], None]] = []

    # -- time ----------------------------------------------------------------------------------------

    def later(self, delay: float, do: Callable[[], None], *, idle: bool = False) -> None:
        """Do something in `delay` seconds. `idle` things do not keep the cluster from being settled."""
        self._number += 1
        heapq.heappush(self._todo, (self.now + max(0.0, delay), self._number, idle, do))

    def run(self, until: float | None = None) -> None:
        """Let things happen until a time, or until nothing is left to happen but what is idle."""
        while self._todo and self._done < _MOST_EVENTS:
            if until is None and all(idle for _, _, idle, _ in self._todo):
                return
            if until is not None and self._todo[0][0] > until:
                break
            t, _, _, do = heapq.heappop(self._todo)
            self.now = round(max(self.now, t), 6)
            self._done += 1
            do()
        if until is not None:
            self.now = max(self.now, until)

    def next_idle(self) -> float | None:
        """When the first of the idle things is to happen."""
        return min((t for t, _, idle, _ in self._todo if idle), default=None)

    def stamp(self) -> str:
        """The present moment as the API writes it, with milliseconds: a prediction need not round."""
        moment = START + timedelta(seconds=self.now)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"

    def step(self, step_id: str, command: str, about: str = "") -> None:
        """Note that somebody does something now."""
        self.history.begin_step(Step(self.now, step_id, command, about=about))
        self.history.end_step(step_id, Result(self.now, 0))

    # -- objects -------------------------------------------------------------------------------------

    def watch(self, told: Callable[[str, Object], None]) -> None:
        """Tell this function of every change: its type and the object."""
        self._watchers.append(told)

    def find(self, kind: str, name: str) -> Object | None:
        """An object by kind and name."""
        return self._objects.get((kind, name))

    def all(self, kind: str) -> list[Object]:
        """The objects of a kind, in the order in which they were made."""
        return [obj for (k, _), obj in self._objects.items() if k == kind]

    def owned(self, owner: Object, kind: str) -> list[Object]:
        """The objects of a kind that an object made."""
        uid = text(owner, "metadata", "uid")
        return [o for o in self.all(kind) if uid in (text(r, "uid") for r in listed(o, "metadata", "ownerReferences"))]

    def add(self, obj: Mapping[str, Any], *, owner: Object | None = None, namespaced: bool = True) -> Object:
        """Create an object: it gets a uid, a creation time and its owner."""
        meta = dict(mapping(obj, "metadata"))
        self._number += 1
        meta |= {"uid": f"predicted-{self._number}", "creationTimestamp": self.stamp(), "generation": 1}
        if namespaced:
            meta["namespace"] = self.namespace
        if owner is not None:
            meta["ownerReferences"] = [self.owner_reference(owner)]
        return self._write("ADDED", {**obj, "metadata": meta})

    @staticmethod
    def owner_reference(owner: Object) -> dict[str, Any]:
        """An ownerReferences entry for a controller."""
        return {
            "apiVersion": text(owner, "apiVersion"),
            "kind": text(owner, "kind"),
            "name": text(owner, "metadata", "name"),
            "uid": text(owner, "metadata", "uid"),
            "controller": True,
        }

    def change(self, kind: str, name: str, **parts: Mapping[str, Any]) -> Object | None:
        """Merge fields into an object's parts (`spec`, `status`, `metadata`); no event when nothing differs."""
        old = self.find(kind, name)
        if old is None:
            return None
        new = {**old, **{part: {**mapping(old, part), **fields} for part, fields in parts.items()}}
        if mapping(new, "spec") != mapping(old, "spec"):
            generation = (integer(old, "metadata", "generation") or 1) + 1
            new["metadata"] = {**mapping(new, "metadata"), "generation": generation}
        return old if new == old else self._write("MODIFIED", new)

    def delete(self, kind: str, name: str) -> None:
        """Remove an object for good."""
        old = self._objects.pop((kind, name), None)
        if old is not None:
            self._tell("DELETED", old)

    def event(self, about: Object, reason: str, message: str, component: str) -> None:
        """An Event, as controllers write them."""
        self._number += 1
        name = text(about, "metadata", "name")
        involved = {
            "kind": text(about, "kind"),
            "name": name,
            "namespace": self.namespace,
            "uid": text(about, "metadata", "uid"),
        }
        self.add(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{name}.{self._number:x}"},
                "type": "Normal",
                "involvedObject": involved,
                "reason": reason,
                "message": message,
                "count": 1,
                "source": {"component": component},
                "firstTimestamp": self.stamp(),
                "lastTimestamp": self.stamp(),
            }
        )

    def _write(self, change: str, obj: Object) -> Object:
        self._number += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self._number)}}
        self._objects[text(obj, "kind"), text(obj, "metadata", "name")] = obj
        self._tell(change, obj)
        return obj

    def _tell(self, change: str, obj: Object) -> None:
        self.history.append(
            round(self.now, 3), "ADDED" if change == "ADDED" else "DELETED" if change == "DELETED" else "MODIFIED", obj
        )
        for told in self._watchers:
            told(change, obj)

    # -- names ---------------------------------------------------------------------------------------

    def hash_of(self, template: Mapping[str, Any], length: int = 10) -> str:
        """Letters that stand for a template: the same for the same one (Kubernetes' own hash is another)."""
        return _letters(json.dumps(template, sort_keys=True, ensure_ascii=True), length)

    def suffix(self, owner: str) -> str:
        """Five letters for a new Pod's name."""
        self._number += 1
        return _letters(f"{owner} {self._number}", 5)

    # -- Pods and Services ------------------------------------------------------------------------------

    def new_pod(self, name: str, template: Mapping[str, Any], owner: Object, **spec: Any) -> Object:
        """A Pod from a template, not yet on a node."""
        meta = {**mapping(template, "metadata"), "name": name}
        return self.add(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": meta,
                "spec": {**mapping(template, "spec"), **spec},
                "status": {"phase": "Pending"},
            },
            owner=owner,
        )

    def start_pod(self, name: str, ready_after: float | None, node: str = "") -> None:
        """Put a Pod on a node now; it runs, and is Ready after that many seconds (None: never)."""
        pod = self.find("Pod", name)
        if pod is None:
            return
        uid = text(pod, "metadata", "uid")
        chosen = node or NODES[sum(bool(text(p, "spec", "nodeName")) for p in self.all("Pod")) % len(NODES)]
        self.change("Pod", name, spec={"nodeName": chosen}, status={"phase": "Pending"})
        slow = ready_after if ready_after is not None else 1.0
        self.later(min(0.5, slow * 0.6), lambda: self._running(name, uid))
        if ready_after is not None:
            self.later(ready_after, lambda: self.set_ready(name, uid, True))

    def _running(self, name: str, uid: str) -> None:
        if self._alive(name, uid):
            self.change(
                "Pod",
                name,
                status={
                    "phase": "Running",
                    "podIP": f"10.244.{self._number // 250 % 250}.{self._number % 250 + 2}",
                    "conditions": [condition("Ready", "False", self.stamp(), "ContainersNotReady")],
                },
            )

    def _alive(self, name: str, uid: str) -> bool:
        pod = self.find("Pod", name)
        return pod is not None and text(pod, "metadata", "uid") == uid and not is_terminating(pod)

    def set_ready(self, name: str, uid: str, ready: bool) -> None:
        """Make a Pod Ready or not, if it is still the one that was meant."""
        if self._alive(name, uid):
            word = "True" if ready else "False"
            self.change("Pod", name, status={"conditions": [condition("Ready", word, self.stamp())]})

    def stop_pod(self, name: str, stop_after: float) -> None:
        """Ask a Pod to go; it is gone after that many seconds."""
        pod = self.find("Pod", name)
        if pod is None or is_terminating(pod):
            return
        uid = text(pod, "metadata", "uid")
        self.change("Pod", name, metadata={"deletionTimestamp": self.stamp()})
        self.later(stop_after if text(pod, "spec", "nodeName") else 0.0, lambda: self._gone(name, uid))

    def _gone(self, name: str, uid: str) -> None:
        pod = self.find("Pod", name)
        if pod is not None and text(pod, "metadata", "uid") == uid:
            self.delete("Pod", name)

    def publish(self, service: Object) -> None:
        """Write the EndpointSlice of a Service: its selected Pods that have an address."""
        name = text(service, "metadata", "name")
        wanted = mapping(service, "spec", "selector")
        endpoints = [
            _endpoint(pod)
            for pod in self.all("Pod")
            if wanted and wanted.items() <= mapping(pod, "metadata", "labels").items() and text(pod, "status", "podIP")
        ]
        found = next(iter(self.owned(service, "EndpointSlice")), None)
        if found is None:
            ports = [
                {"name": text(p, "name"), "port": p.get("targetPort", p.get("port")), "protocol": "TCP"}
                for p in listed(service, "spec", "ports")
            ]
            self.add(
                {
                    "apiVersion": "discovery.k8s.io/v1",
                    "kind": "EndpointSlice",
                    "addressType": "IPv4",
                    "ports": ports,
                    "metadata": {"name": f"{name}-{self.suffix(name)}", "labels": {"kubernetes.io/service-name": name}},
                    "endpoints": endpoints,
                },
                owner=service,
            )
        elif found.get("endpoints") != endpoints:
            self._write("MODIFIED", {**found, "endpoints": endpoints})


def _endpoint(pod: Object) -> dict[str, Any]:
    going = is_terminating(pod)
    endpoint = {
        "addresses": [text(pod, "status", "podIP")],
        "conditions": {"ready": is_ready(pod) and not going, "serving": is_ready(pod), "terminating": going},
        "targetRef": {"kind": "Pod", "name": text(pod, "metadata", "name"), "uid": text(pod, "metadata", "uid")},
        "nodeName": text(pod, "spec", "nodeName"),
    }
    hostname = text(pod, "spec", "hostname")
    return {**endpoint, "hostname": hostname} if hostname else endpoint


def pod_ready(pod: Object) -> bool:
    """Whether a Pod is Ready and is to stay."""
    return is_ready(pod) and not is_terminating(pod)


def condition(kind: str, status: str, stamp: str, reason: str = "") -> dict[str, str]:
    """A condition as the API writes it."""
    found = {"type": kind, "status": status, "lastTransitionTime": stamp, "lastUpdateTime": stamp}
    return {**found, "reason": reason} if reason else found


def with_condition(old: Iterable[Mapping[str, Any]], new: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Conditions with one of them set; its transition time stays while its status does."""
    kept = []
    for one in old:
        if one.get("type") != new["type"]:
            kept.append(one)
        elif one.get("status") == new["status"]:
            if one.get("reason") == new.get("reason"):
                new = {**new, "lastUpdateTime": one["lastUpdateTime"]}
            new = {**new, "lastTransitionTime": one["lastTransitionTime"]}
    return [*kept, new]


def _letters(words: str, length: int) -> str:
    number = int.from_bytes(hashlib.sha256(words.encode("utf-8", "surrogatepass")).digest()[:12], "big")
    found = ""
    for _ in range(length):
        number, i = divmod(number, len(_LETTERS))
        found += _LETTERS[i]
    return found


def countable(workload: Object) -> None:
    """Raises K8svizError for a workload of more Pods than can be followed one by one."""
    if replicas_of(workload) > _MOST_PODS:
        raise K8svizError(f"more than {_MOST_PODS} replicas; a prediction follows each Pod, so give fewer")
