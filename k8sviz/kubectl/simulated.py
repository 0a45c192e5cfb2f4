"""A simulated cluster as what kubectl speaks to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from k8sviz.cluster.cluster import Cluster
from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.kubectl.target import Api
from k8sviz.shell import Answer
from k8sviz.words import say

__all__ = ["Simulated"]

_STEP: Final = 0.02  # seconds between two looks: finer than anything that waits for a cluster can tell


class Simulated:
    """A Target that is a simulated cluster: its time passes while kubectl waits."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._changes = 0
        self._watchers: list[Callable[[str, Object], object]] = []
        cluster.api.subscribe(self._changed)

    def _changed(self, change: str, obj: Object) -> None:
        self._changes += 1
        for watcher in list(self._watchers):
            watcher(change, obj)

    @property
    def api(self) -> Api:
        """Its API."""
        return self.cluster.api

    @property
    def now(self) -> float:
        """Its time, in seconds since 1970."""
        return self.cluster.clock.start.timestamp() + self.cluster.clock.now

    def run(self, seconds: float) -> None:
        """Let its time pass."""
        self.cluster.run(seconds)

    def run_until(self, test: Callable[[], bool], seconds: float, /) -> bool:
        """Let its time pass until a test holds; the test is asked whenever something has changed."""
        clock = self.cluster.clock
        end = clock.now + seconds
        seen = -1
        while True:
            if seen != self._changes:
                seen = self._changes
                if test():
                    return True
            if clock.now >= end:
                return False
            self.cluster.run(min(_STEP, end - clock.now))

    def subscribe(self, watcher: Callable[[str, Object], object], /) -> Callable[[], None]:
        """Tell of every change; what is returned ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def outside(self, command: str) -> Answer:
        """What a lab does outside kubectl (a command that begins with #): a node's kubelet stopped or started."""
        words = command.split()
        name = "stop_kubelet" if "stops" in words else "start_kubelet" if "answers" in words else ""
        act: Any = getattr(self.cluster, name, None) if name else None
        if act is None or "on" not in words:
            return Answer(1, "", say("kubectl.no-kubelet", command=command) + "\n")
        act(words[words.index("on") + 1])
        return Answer()

    def evict(self, pod: Object, grace: int | None = None) -> None:
        """Ask for a Pod's eviction."""
        meta = pod["metadata"]
        evict: Any = getattr(self.cluster, "evict", None)
        if evict is not None:
            evict(pod, grace=grace)
        else:
            self.cluster.api.delete("Pod", meta["name"], meta["namespace"], grace=grace)

    def execute(self, pod: Object, container: str, argv: Sequence[str], stdin: str = "") -> tuple[int, str, str]:
        """Run a command in a container."""
        run: Any = getattr(self.cluster, "exec", None)
        if run is None:
            raise Refused(501, "NotImplemented", say("kubectl.nothing-runs"))
        found: tuple[int, str, str] = run(pod, container, list(argv), stdin)
        return found

    def logs(self, pod: Object, container: str, *, previous: bool = False) -> str:
        """What a container wrote."""
        read: Any = getattr(self.cluster, "logs", None)
        if read is None:
            raise Refused(501, "NotImplemented", say("kubectl.nothing-runs"))
        return str(read(pod, container, previous=previous))
