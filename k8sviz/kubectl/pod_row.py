"""The row of a Pod in `kubectl get pods`: the word in STATUS is a small story (printPod)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.kubectl.times import ago
from k8sviz.rules.fields import flag, integer, listed, mapped, text

__all__ = ["pod_row"]

JSON = Mapping[str, Any]


def pod_row(pod: JSON, now: float) -> Sequence[object]:
    """Name, ready containers, status, restarts, age; and with -o wide address, node, nominated node, gates.

    >>> pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}, "status": {"phase": "Pending"}}
    >>> pod_row(pod, 0.0)[:4]
    ('p', '0/1', 'Pending', '0')
    """
    count = _Count(pod)
    ips = listed(pod, "status", "podIPs")
    return (
        text(pod, "metadata", "name"),
        f"{count.ready}/{count.total}",
        count.word(),
        f"{count.restarts} ({ago(count.last, now)} ago)" if count.restarts and count.last else f"{count.restarts}",
        ago(text(pod, "metadata", "creationTimestamp"), now),
        (text(ips[0], "ip") if ips else "") or "<none>",
        text(pod, "spec", "nodeName") or "<none>",
        text(pod, "status", "nominatedNodeName") or "<none>",
        _gates(pod),
    )


class _Count:
    """What printPod counts on its way through a Pod's containers."""

    def __init__(self, pod: JSON) -> None:
        self._pod = pod
        self._init = {text(one, "name"): one for one in listed(pod, "spec", "initContainers")}
        sidecars = [one for one in self._init.values() if _is_sidecar(one)]
        self.total = len(listed(pod, "spec", "containers")) + len(sidecars)
        self.ready = self.restarts = self._sidecar_restarts = 0
        self.last = self._sidecar_last = ""
        self._reason = _first_reason(pod)
        initializing = self._through_init()
        if not initializing or _is_true(pod, "Initialized"):
            self.restarts, self.last = self._sidecar_restarts, self._sidecar_last
            self._through_containers()

    def _through_init(self) -> bool:
        """Whether the init containers are not over yet."""
        for i, status in enumerate(listed(self._pod, "status", "initContainerStatuses")):
            sidecar = _is_sidecar(self._init.get(text(status, "name"), {}))
            ended = text(status, "lastState", "terminated", "finishedAt")
            self.restarts += integer(status, "restartCount") or 0
            self.last = max(self.last, ended)
            if sidecar:
                self._sidecar_restarts += integer(status, "restartCount") or 0
                self._sidecar_last = max(self._sidecar_last, ended)
            word = self._init_word(status, i, sidecar)
            if word:
                self._reason = word
                return True
        return False

    def _init_word(self, status: JSON, i: int, sidecar: bool) -> str:
        terminated = mapped(status, "state", "terminated")
        if terminated is not None and not integer(terminated, "exitCode"):
            return ""
        if sidecar and flag(status, "started"):
            self.ready += bool(flag(status, "ready"))
            return ""
        if terminated is not None:
            return f"Init:{_ending(terminated)}"
        waiting = text(status, "state", "waiting", "reason")
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{i}/{len(self._init)}"

    def _through_containers(self) -> None:
        running, error = False, ""
        for status in reversed(listed(self._pod, "status", "containerStatuses")):
            self.restarts += integer(status, "restartCount") or 0
            self.last = max(self.last, text(status, "lastState", "terminated", "finishedAt"))
            terminated = mapped(status, "state", "terminated")
            if text(status, "state", "waiting", "reason"):
                self._reason = text(status, "state", "waiting", "reason")
            elif terminated is not None:
                self._reason = _ending(terminated)
                if integer(terminated, "exitCode"):
                    error = self._reason
            elif flag(status, "ready") and mapped(status, "state", "running") is not None:
                running = True
                self.ready += 1
        if self._reason == "Completed":
            if running and _is_true(self._pod, "Ready"):
                self._reason = "Running"
            elif error or running:
                self._reason = error or "NotReady"

    def word(self) -> str:
        if text(self._pod, "metadata", "deletionTimestamp"):
            if text(self._pod, "status", "reason") == "NodeLost":
                return "Unknown"
            if text(self._pod, "status", "phase") not in ("Failed", "Succeeded"):
                return "Terminating"
        return self._reason


def _first_reason(pod: JSON) -> str:
    for condition in listed(pod, "status", "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            return "SchedulingGated"
    return text(pod, "status", "reason") or text(pod, "status", "phase")


def _ending(terminated: JSON) -> str:
    signal = integer(terminated, "signal")
    code = f"Signal:{signal}" if signal else f"ExitCode:{integer(terminated, 'exitCode') or 0}"
    return text(terminated, "reason") or code


def _is_sidecar(container: JSON) -> bool:
    return text(container, "restartPolicy") == "Always"


def _is_true(pod: JSON, condition: str) -> bool:
    found = listed(pod, "status", "conditions")
    return any(one.get("type") == condition and one.get("status") == "True" for one in found)


def _gates(pod: JSON) -> str:
    gates = listed(pod, "spec", "readinessGates")
    if not gates:
        return "<none>"
    return f"{sum(_is_true(pod, text(gate, 'conditionType')) for gate in gates)}/{len(gates)}"
