"""What kubectl prints about Pods: the STATUS, READY and RESTARTS columns, as one word and two numbers.

Rule: pkg/printers/internalversion/printers.go, printPod.
"""

from collections.abc import Iterator
from typing import NamedTuple

from k8sviz.rules.fields import JSON, flag, integer, listed, mapping, text
from k8sviz.rules.meta import condition_status, is_terminating

__all__ = ["ContainerState", "container_state", "containers", "is_ready", "pod_status", "restarts"]


class ContainerState(NamedTuple):
    """One container's state: `word` as kubectl says it, with the exit code and the restarts so far."""

    word: str
    running: bool
    exit_code: int | None
    restarts: int


def containers(pod: JSON) -> Iterator[tuple[str, JSON]]:
    """The Pod's containers with the list that each is from: init, then ordinary, then ephemeral ones."""
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for container in listed(pod, "spec", part):
            yield part, container


def _status_of(pod: JSON, name: str) -> JSON:
    for part in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        for status in listed(pod, "status", part):
            if text(status, "name") == name:
                return status
    return {}


def container_state(pod: JSON, name: str) -> ContainerState:
    """The state of one container of a Pod; its word is '' while the kubelet has said nothing.

    >>> pod = {"status": {"containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "ErrImagePull"}}}]}}
    >>> container_state(pod, "main").word
    'ErrImagePull'
    """
    status = _status_of(pod, name)
    state, count = mapping(status, "state"), integer(status, "restartCount") or 0
    if "running" in state:
        return ContainerState("Running", True, None, count)
    if "terminated" in state:
        ended = mapping(state, "terminated")
        code = integer(ended, "exitCode")
        return ContainerState(text(ended, "reason") or f"Exit {code}", False, code, count)
    return ContainerState(text(state, "waiting", "reason") or ("Waiting" if state else ""), False, None, count)


def is_ready(pod: JSON) -> bool:
    """Whether the Pod's Ready condition is True."""
    return condition_status(pod, "Ready") == "True"


def restarts(pod: JSON) -> int:
    """How often the Pod's containers restarted, all together."""
    parts = ("initContainerStatuses", "containerStatuses")
    return sum(integer(s, "restartCount") or 0 for part in parts for s in listed(pod, "status", part))


def pod_status(pod: JSON) -> str:
    """The word in kubectl's STATUS column.

    >>> pod_status({"metadata": {"deletionTimestamp": "2026-11-23T09:14:31Z"}, "status": {"phase": "Running"}})
    'Terminating'
    >>> pod_status({"status": {"phase": "Pending"}})
    'Pending'
    """
    word = text(pod, "status", "reason") or text(pod, "status", "phase") or "Unknown"
    starting = _init_word(pod)
    if starting:
        word = starting
    else:
        running = False
        for status in reversed(listed(pod, "status", "containerStatuses")):
            state = mapping(status, "state")
            if text(state, "waiting", "reason"):
                word = text(state, "waiting", "reason")
            elif "terminated" in state:
                word = _ended(mapping(state, "terminated"))
            elif flag(status, "ready") and "running" in state:
                running = True
        if word == "Completed" and running:
            word = "Running" if is_ready(pod) else "NotReady"
    if is_terminating(pod):
        return "Unknown" if text(pod, "status", "reason") == "NodeLost" else "Terminating"
    return word


def _ended(terminated: JSON) -> str:
    if text(terminated, "reason"):
        return text(terminated, "reason")
    signal = integer(terminated, "signal")
    return f"Signal:{signal}" if signal else f"ExitCode:{integer(terminated, 'exitCode') or 0}"


def _init_word(pod: JSON) -> str:
    """`Init:…` while init containers hold the Pod up; '' when they do not."""
    specs = {text(c, "name"): c for c in listed(pod, "spec", "initContainers")}
    for i, status in enumerate(listed(pod, "status", "initContainerStatuses")):
        state = mapping(status, "state")
        ended = mapping(state, "terminated")
        if "terminated" in state and not integer(ended, "exitCode"):
            continue
        sidecar = text(specs.get(text(status, "name"), {}), "restartPolicy") == "Always"
        if sidecar and flag(status, "started"):
            continue
        if "terminated" in state:
            return f"Init:{_ended(ended)}"
        reason = text(state, "waiting", "reason")
        if reason and reason != "PodInitializing":
            return f"Init:{reason}"
        return f"Init:{i}/{len(specs)}"
    return ""
