"""The kubelets of all nodes: each Pod that is bound to a node has its Worker here.

What runs in a container is not the real program: shell scripts of the usual words are followed (`shell`, `programs`),
what a Pod's annotation declares is believed (`process.BEHAVIOUR`), and of anything else it is assumed that it runs,
answers on its ports, and ends when it is asked to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from k8sviz.cluster.addresses import PodAddresses
from k8sviz.cluster.kubelet.disks import Disks
from k8sviz.cluster.kubelet.network import fetch
from k8sviz.cluster.kubelet.worker import Worker
from k8sviz.cluster.refused import Refused
from k8sviz.history import EventType, Object
from k8sviz.rules.fields import listed, text
from k8sviz.rules.objects import Objects
from k8sviz.rules.references import references

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster

__all__ = ["Kubelets"]

_SOURCES: Final = frozenset({"ConfigMap", "Secret"})
_LABELS_LATER: Final = 0.6  # a change of the Pod itself is seen at once, and written to its volumes then
_LONGEST_LOG: Final = 2000  # lines kept of each run


class Kubelets:
    """All nodes' kubelets."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.clock = cluster.clock
        self.api = cluster.api
        self.addresses = PodAddresses(cluster.settings.pod_network)
        self.disks = Disks(cluster)
        self.workers: dict[str, Worker] = {}
        self._users: dict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)  # who refers to an object
        self._held: dict[str, list[Callable[[], object]]] = {}  # what silent kubelets have not done
        self._silent: dict[str, float] = {}
        self._listeners: list[Callable[[str, bool], object]] = []
        self._logs: dict[tuple[str, str], list[list[str]]] = {}
        pods = self.api.list("Pod")
        self.addresses.know(pods)
        for pod in pods:
            if text(pod, "spec", "nodeName") and text(pod, "status", "phase") not in ("Succeeded", "Failed"):
                self._take(pod)
        if cluster.settings.runs_pods:
            self.api.subscribe(self._heard)

    # -- what happens ----------------------------------------------------------------------------------

    def _heard(self, change: EventType, obj: Object) -> None:
        kind = obj["kind"]
        if kind == "Pod":
            self._heard_of_pod(change, obj)
        elif kind in _SOURCES:
            key = (kind, text(obj, "metadata", "namespace"), text(obj, "metadata", "name"))
            for uid in list(self._users.get(key, ())):
                self.workers[uid].something_changed()
                worker = self.workers[uid]
                worker.later(
                    worker.until_next_look(self._cluster.settings.follow), self._refiller(uid), background=True
                )
        elif kind == "PersistentVolume" and change == "DELETED":
            self.disks.remove(obj)

    def _heard_of_pod(self, change: EventType, pod: Object) -> None:
        uid = text(pod, "metadata", "uid")
        worker = self.workers.get(uid)
        if worker is None:
            over = text(pod, "status", "phase") in ("Succeeded", "Failed")
            if change != "DELETED" and text(pod, "spec", "nodeName") and not over:
                self._take(pod)
        elif change == "DELETED":
            self._drop(worker)
        elif "deletionTimestamp" in pod["metadata"] and not worker.leaving:
            worker.terminate(pod)
        elif any(pod["metadata"].get(part) != worker.pod["metadata"].get(part) for part in ("labels", "annotations")):
            worker.later(_LABELS_LATER, self._refiller(uid))

    def _take(self, pod: Object) -> None:
        worker = Worker(self, pod)
        self.workers[worker.uid] = worker
        namespace = text(pod, "metadata", "namespace")
        for each in references(pod):
            self._users[each.kind, namespace, each.name][worker.uid] = None
        if text(pod, "status", "startTime"):
            worker.adopt()
        else:
            worker.begin()
        if "deletionTimestamp" in pod["metadata"]:
            worker.terminate(pod)

    def _drop(self, worker: Worker) -> None:
        worker.forget()
        self.disks.forget(worker.uid)
        del self.workers[worker.uid]
        for each in references(worker.pod):
            self._users[each.kind, text(worker.pod, "metadata", "namespace"), each.name].pop(worker.uid, None)

    def _refiller(self, uid: str) -> Callable[[], None]:
        def refill() -> None:
            worker = self.workers.get(uid)
            if worker is not None and worker.mounted:
                worker.pod = self.now(uid) or worker.pod
                pod = worker.local()
                views = [(each.spec, each.process.view) for each in worker.containers if each.process is not None]
                if self.disks.refill(pod, views):
                    worker.touched()

        return refill

    # -- silent nodes ----------------------------------------------------------------------------------

    def stop(self, node: str) -> None:
        """The kubelet of a node stops answering; what runs there goes on."""
        self._silent.setdefault(node, self.clock.now)
        for listener in self._listeners:
            listener(node, True)

    def start(self, node: str) -> None:
        """The kubelet of a node answers again, and does what it has not done."""
        if self._silent.pop(node, None) is None:
            return
        for act in self._held.pop(node, []):
            self.clock.later(0.1, act)
        for worker in self.workers.values():
            if worker.node == node:
                worker.later(0.2, worker.report)
        for listener in self._listeners:
            listener(node, False)

    def is_silent(self, node: str) -> bool:
        """Whether a node's kubelet does not answer."""
        return node in self._silent

    def silent_since(self, node: str) -> float | None:
        """Since when a node's kubelet does not answer, in seconds; None while it does."""
        return self._silent.get(node)

    def on_silence(self, listener: Callable[[str, bool], object]) -> None:
        """Call `listener(node, silent)` when a kubelet stops or starts to answer."""
        self._listeners.append(listener)

    def hold(self, node: str, act: Callable[[], object]) -> None:
        """Something that a silent kubelet would have done."""
        self._held.setdefault(node, []).append(act)

    # -- for Workers -----------------------------------------------------------------------------------

    def now(self, uid: str) -> Object | None:
        """The Pod as the API has it now."""
        return self.api.by_uid(uid)

    def write(self, pod: Object) -> None:
        """Write a Pod's status."""
        self.api.write(pod)

    def delete(self, pod: Object) -> None:
        """The Pod has ended: it may go."""
        uid = text(pod, "metadata", "uid")
        if self.now(uid) is not None:
            self.api.delete("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"], grace=0, uid=uid)

    def event(self, pod: Object, kind: str, reason: str, message: str, node: str, field: str) -> None:
        """Write an Event about a Pod."""
        self._cluster.event(pod, kind, reason, message, "kubelet", host=node, field=field)

    def objects(self, pod: Object) -> Objects:
        """The objects that a Pod can be given something of."""
        return self.disks.objects(pod)

    def host(self, node: str) -> dict[str, str]:
        """A node's address, as {"address": …}; {} where it has none."""
        found = self.api.find("Node", node)
        for each in listed(found, "status", "addresses"):
            if text(each, "type") == "InternalIP":
                return {"address": text(each, "address")}
        return {}

    def identifier(self) -> str:
        """A container's id."""
        return f"{self.clock.random.getrandbits(256):064x}"

    def fetch(self, worker: Worker | None, host: str, port: int, path: str) -> tuple[int, str]:
        """GET by HTTP from inside the cluster. Raises OSError."""
        return fetch(self._cluster, self, worker, host, port, path)

    # -- logs ------------------------------------------------------------------------------------------

    def new_log(self, uid: str, container: str) -> None:
        """A container starts again: the log of the run before is kept, none before that."""
        runs = self._logs.setdefault((uid, container), [])
        runs.append([])
        del runs[:-2]

    def log(self, uid: str, container: str, text: str) -> None:
        """A container printed something."""
        lines = self._logs[uid, container][-1]
        lines.append(text)
        del lines[: -_LONGEST_LOG * 2]

    def logs(self, pod: Object, container: str, *, previous: bool = False) -> str:
        """What a container printed in this run, or in the one before. Raises Refused."""
        name = text(pod, "metadata", "name")
        runs = self._logs.get((text(pod, "metadata", "uid"), container), [])
        if previous:
            if len(runs) < 2:
                words = f'previous terminated container "{container}" in pod "{name}" not found'
                raise Refused(400, "BadRequest", words)
            return "".join(runs[-2])
        if not runs:
            worker = self.workers.get(text(pod, "metadata", "uid"))
            states = [each.state for each in worker.containers if each.name == container] if worker is not None else []
            why = text(states[0], "waiting", "reason") if states else "ContainerCreating"
            words = f'container "{container}" in pod "{name}" is waiting to start: {_waiting(why)}'
            raise Refused(400, "BadRequest", words)
        return "".join(runs[-1])


def _waiting(reason: str) -> str:
    return {
        "ErrImagePull": "trying and failing to pull image",
        "ImagePullBackOff": "trying and failing to pull image",
    }.get(reason, reason)
