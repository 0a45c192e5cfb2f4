"""A Pod's phase and conditions from the states of its containers, and when a container is started again.

Rules: pkg/kubelet/kubelet_pods.go (getPhase), pkg/kubelet/status/generate.go, pkg/kubelet/kuberuntime (doBackOff).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from k8sviz.rules.fields import JSON, flag, integer, listed, mapping, text

__all__ = ["back_off", "conditions", "pod_phase", "restarts_after"]


_FIRST_BACK_OFF: Final = 10
_LONGEST_BACK_OFF: Final = 300
_ORDER: Final = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def back_off(crashes: int) -> int:
    """Seconds until the next start after so many crashes in a row; the first is at once.

    >>> [back_off(crashes) for crashes in range(1, 8)]
    [0, 10, 20, 40, 80, 160, 300]
    """
    return 0 if crashes <= 1 else min(_FIRST_BACK_OFF * 2 ** min(crashes - 2, 10), _LONGEST_BACK_OFF)


def restarts_after(policy: str, exit_code: int) -> bool:
    """Whether a container that ended so is started again (`restartPolicy`).

    >>> restarts_after("OnFailure", 0), restarts_after("OnFailure", 1), restarts_after("Never", 1)
    (False, True, False)
    """
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def _ended(status: JSON) -> int | None:
    """The exit code of a container that has ended and is not to start again by itself; None for any other."""
    state = mapping(status, "state")
    return integer(state, "terminated", "exitCode") if "terminated" in state else None


def pod_phase(pod: JSON, main: Sequence[JSON], init: Sequence[JSON]) -> str:
    """Pending, Running, Succeeded or Failed.

    >>> pod_phase({"spec": {}}, [{"state": {"running": {}}}], [])
    'Running'
    """
    policy = text(pod, "spec", "restartPolicy") or "Always"
    leaving = "deletionTimestamp" in mapping(pod, "metadata")
    sidecars = {
        text(each, "name") for each in listed(pod, "spec", "initContainers") if text(each, "restartPolicy") == "Always"
    }
    for status in init:
        if text(status, "name") in sidecars:
            if not flag(status, "started") and "terminated" not in mapping(status, "state"):
                return "Pending"
            continue
        code = _ended(status)
        if code is None:
            return "Pending"
        if code:
            return "Failed" if policy == "Never" else "Pending"
    states = [mapping(status, "state") for status in main]
    if any("waiting" in state and not mapping(status, "lastState") for state, status in zip(states, main, strict=True)):
        return "Pending"
    if any("terminated" not in state for state in states):
        return "Running"
    codes = [_ended(status) or 0 for status in main]
    if policy == "Always" and not leaving:
        return "Running"
    if not any(codes):
        return "Succeeded"
    return "Failed" if policy == "Never" or leaving else "Running"


def conditions(
    pod: JSON, phase: str, main: Sequence[JSON], init: Sequence[JSON], *, network: bool, now: str
) -> list[dict[str, Any]]:
    """The Pod's conditions; one whose status stays keeps the time of its last change.

    `network` tells whether the sandbox stands (PodReadyToStartContainers), `now` is an API time.
    """
    generation = integer(pod, "metadata", "generation") or 1
    before = {text(each, "type"): each for each in listed(pod, "status", "conditions")}
    ready = _containers_ready(phase, main)
    gates = [text(each, "conditionType") for each in listed(pod, "spec", "readinessGates")]
    closed = [gate for gate in gates if text(before.get(gate), "status") != "True"]
    wanted: dict[str, dict[str, Any]] = {
        "PodReadyToStartContainers": {"status": "True" if network else "False"},
        "Initialized": _initialized(pod, phase, init),
        "Ready": ready,
        "ContainersReady": ready,
    }
    if closed and ready["status"] == "True":
        message = "the status of pod readiness gate " + ", ".join(f'"{gate}"' for gate in closed)
        message += ' is not "True", but False'
        wanted["Ready"] = {"status": "False", "reason": "ReadinessGatesNotReady", "message": message}
    found: list[dict[str, Any]] = []
    for name in _ORDER:
        old: JSON = before.get(name, {})
        kept: dict[str, Any] = {key: old[key] for key in ("status", "reason", "message") if key in old}
        new = wanted.get(name) or kept or {"status": "True"}
        changed = text(old, "status") != new["status"]
        stamp = now if changed else text(old, "lastTransitionTime")
        condition: dict[str, Any] = {"type": name, "observedGeneration": generation, "status": new["status"]}
        condition |= {"lastProbeTime": None, "lastTransitionTime": stamp}
        condition.update((key, new[key]) for key in ("reason", "message") if key in new)
        found.append(condition)
    others: list[dict[str, Any]] = [{**each} for name, each in before.items() if name not in _ORDER]
    return others + found


def _initialized(pod: JSON, phase: str, init: Sequence[JSON]) -> dict[str, Any]:
    if phase == "Succeeded":
        return {"status": "True", "reason": "PodCompleted"}
    sidecars = {
        text(each, "name") for each in listed(pod, "spec", "initContainers") if text(each, "restartPolicy") == "Always"
    }
    left = [
        text(status, "name")
        for status in init
        if not (flag(status, "started") if text(status, "name") in sidecars else _ended(status) == 0)
    ]
    if not left:
        return {"status": "True"}
    message = f"containers with incomplete status: [{' '.join(left)}]"
    return {"status": "False", "reason": "ContainersNotInitialized", "message": message}


def _containers_ready(phase: str, main: Sequence[JSON]) -> dict[str, Any]:
    if phase == "Failed":
        return {"status": "False", "reason": "PodFailed"}
    if phase == "Succeeded":
        return {"status": "False", "reason": "PodCompleted"}
    unready = [text(status, "name") for status in main if not flag(status, "ready")]
    if not unready:
        return {"status": "True"}
    message = f"containers with unready status: [{' '.join(unready)}]"
    return {"status": "False", "reason": "ContainersNotReady", "message": message}
