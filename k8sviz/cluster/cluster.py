"""A cluster to try things on: the API, its clock and History, and all that works on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8sviz.cluster.api import API
from k8sviz.cluster.chances import NONE, Chances
from k8sviz.cluster.clock import Clock
from k8sviz.cluster.controllers import CONTROLLERS
from k8sviz.cluster.events import Recorder
from k8sviz.cluster.eviction import evict
from k8sviz.cluster.kubelet import Kubelets
from k8sviz.cluster.kubelet.execute import execute
from k8sviz.cluster.scheduler import Scheduler
from k8sviz.cluster.settings import DEFAULTS, Settings
from k8sviz.cluster.system import api_server_objects
from k8sviz.history import About, History, Object, Snapshot
from k8sviz.rules.fields import listed, text

__all__ = ["Cluster"]

_START = "2026-11-23T09:00:00Z"
_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


class Cluster:
    """A simulated cluster that begins with the objects of a Snapshot, or with these objects.

    After a Snapshot, `history` is the past of the Snapshot's and then what the cluster does; `began` (seconds) is
    where one ends and the other begins. `start` is the wall-clock time of second 0, `nodes` are Nodes to add. The same
    `seed` gives the same cluster again; `chances` say what falls by lot.
    """

    def __init__(
        self,
        begin: Snapshot | Iterable[Object] = (),
        *,
        seed: int = 0,
        start: str = "",
        nodes: Sequence[Object] = (),
        settings: Settings = DEFAULTS,
        chances: Chances = NONE,
    ) -> None:
        past = begin if isinstance(begin, Snapshot) else None
        about = past.about if past else About(started_at=start or _START)
        self.history = History(about)
        self.began = 0.0
        if past is not None:
            self.began = min(past.t, past.history.end)
            _copy_past(past, self.began, self.history)
        self.history.predicted_from = self.began
        self.clock = Clock(start or about.started_at or _START, now=self.began, seed=seed)
        self.settings = settings
        self.chances = chances
        self.api = API(self.clock, self.history, settings)
        self._recorder = Recorder(self.api)
        objects = list(past if past is not None else begin)
        for obj in objects:
            loaded = self.api.load(obj)
            if past is None or loaded is not obj:
                self.history.append(self.began, "ADDED", loaded)
        self._complete(objects)
        for node in nodes:
            self.api.create(node)
        self.scheduler = Scheduler(self)
        self.kubelets = Kubelets(self)
        self.controllers = [make(self) for make in CONTROLLERS]

    def _complete(self, objects: Sequence[Object]) -> None:
        """Add what every cluster has, and no recording of one namespace: namespaces, each with its ServiceAccount."""
        named = {text(obj, "metadata", "namespace") for obj in objects} - {""}
        for name in [*_NAMESPACES, *sorted(named - set(_NAMESPACES))]:
            if self.api.find("Namespace", name) is None:
                self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            if self.api.find("ServiceAccount", "default", name) is None:
                meta = {"name": "default", "namespace": name}
                self.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        if self.api.find("Service", "kubernetes", "default") is None:
            for obj in api_server_objects(self.settings):
                self.history.append(self.began, "ADDED", self.api.load(obj))

    def run(self, seconds: float) -> None:
        """Let that many seconds pass."""
        self.clock.run(self.clock.now + seconds)

    def settle(self, limit: float = 600.0) -> bool:
        """Let time pass until nothing is left to do, at most `limit` seconds; whether it came to rest."""
        return self.clock.rest(self.clock.now + limit)

    def exec(self, pod: Object, container: str, argv: Sequence[str], stdin: str = "") -> tuple[int, str, str]:
        """Run a command in a container ('': the Pod's first): exit code, output, errors. Time passes while it sleeps.

        Raises Refused when the container does not run.
        """
        return execute(self, pod, container, argv, stdin)

    def logs(self, pod: Object, container: str = "", *, previous: bool = False) -> str:
        """What a container ('': the Pod's first) printed in this run, or in the one before. Raises Refused."""
        first = listed(pod, "spec", "containers")
        return self.kubelets.logs(pod, container or text(first[0] if first else {}, "name"), previous=previous)

    def fetch(self, host: str, port: int, path: str = "/") -> tuple[int, str]:
        """GET by HTTP from inside the cluster: status and body. Raises OSError when nobody answers."""
        return self.kubelets.fetch(None, host, port, path)

    def evict(self, pod: Object, *, grace: int | None = None) -> Object:
        """Ask a Pod to leave, as `kubectl drain` does. Raises Refused (429) while a PodDisruptionBudget keeps it."""
        return evict(self.api, pod, grace=grace)

    def stop_kubelet(self, node: str) -> None:
        """A node falls silent: its kubelet says and does nothing more, what runs there goes on."""
        self.kubelets.stop(node)

    def start_kubelet(self, node: str) -> None:
        """The kubelet of a node answers again."""
        self.kubelets.start(node)

    def event(
        self,
        obj: Object,
        type: str,  # noqa: A002 - the Event's own word
        reason: str,
        message: str,
        component: str,
        *,
        host: str = "",
        field: str = "",
        action: str = "",
    ) -> Object:
        """Write an Event about an object, as `component` (on `host`) does; `field` is the fieldPath in it.

        With `action` it is an Event of events.k8s.io, as the scheduler writes them.
        """
        return self._recorder.record(obj, type, reason, message, component, host=host, field=field, action=action)


def _copy_past(past: Snapshot, until: float, history: History) -> None:
    for event in past.history.between(float("-inf"), until):
        history.append(*event)
    for step in past.history.steps:
        if step.t <= until:
            history.begin_step(step)
