"""Which Pods count: active ones, Ready ones, and those that have been Ready for long enough to be available.

Rules: pkg/api/v1/pod/util.go (IsPodReady, IsPodAvailable), pkg/controller/controller_utils.go (IsPodActive,
ActivePodsWithRanks). Times are seconds since 1970, as `epoch` reads them from the API's stamps.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from k8sviz.rules.fields import JSON, integer, text
from k8sviz.rules.meta import condition, is_terminating
from k8sviz.rules.pods import is_ready, pod_status, restarts
from k8sviz.rules.times import epoch

__all__ = ["STAGES", "Stage", "available_from", "deletion_rank", "epoch", "is_active", "is_terminating", "pod_stage"]

Stage = Literal["pending", "starting", "failing", "ready", "available", "terminating", "ended"]
STAGES: Final[tuple[Stage, ...]] = ("available", "ready", "starting", "pending", "failing", "terminating", "ended")
"""What a Pod can be for a rollout, from best to worst.

pending: no node yet · starting: on a node, not Ready · failing: a container cannot start or keeps ending ·
ready: Ready, but not yet for minReadySeconds · available · terminating: asked to go · ended: its process is over.
"""

_STARTING: Final = frozenset({"", "Pending", "ContainerCreating", "PodInitializing", "Waiting", "Running", "NotReady"})


def is_active(pod: JSON) -> bool:
    """Whether a controller counts the Pod: it is not being deleted, and its processes are not over.

    >>> is_active({"status": {"phase": "Pending"}}), is_active({"status": {"phase": "Failed"}})
    (True, False)
    """
    return not is_terminating(pod) and text(pod, "status", "phase") not in ("Succeeded", "Failed")


def available_from(pod: JSON, min_ready_seconds: int) -> float | None:
    """When the Pod is or will be available, in seconds since 1970: Ready, and that for `min_ready_seconds`.

    None while it is not Ready. The API keeps whole seconds, so a Pod that became Ready at 10.9 s counts from 10 s on.

    >>> ready = {"type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:01:00Z"}
    >>> available_from({"status": {"conditions": [ready]}}, 10)
    70.0
    """
    ready = condition(pod, "Ready")
    if text(ready, "status") != "True":
        return None
    since = epoch(text(ready, "lastTransitionTime"))
    return None if since is None and min_ready_seconds > 0 else (since or 0.0) + max(0, min_ready_seconds)


def pod_stage(pod: JSON, min_ready_seconds: int = 0, now: float | None = None) -> Stage:
    """What the Pod is for a rollout at `now` (seconds since 1970; None: later than all of its stamps)."""
    if is_terminating(pod):
        return "terminating"
    if text(pod, "status", "phase") in ("Succeeded", "Failed"):
        return "ended"
    if is_ready(pod):
        since = available_from(pod, min_ready_seconds)
        late = since is not None and (now is None or min_ready_seconds <= 0 or since <= now)
        return "available" if late else "ready"
    if not text(pod, "spec", "nodeName"):
        return "pending"
    word = pod_status(pod)
    waiting = word in _STARTING or (word.startswith("Init:") and "/" in word)
    return "starting" if waiting else "failing"


def deletion_rank(pod: JSON) -> tuple[Any, ...]:
    """Sorts Pods as a ReplicaSet does when it has too many: the first ones go first.

    Those without a node, then by phase, then not Ready ones, then those Ready for the shortest time, those with more
    restarts, the newest. (How many Pods of related sets share a node, and the pod-deletion-cost annotation, also
    count in Kubernetes; the annotation is here, the nodes are not.)

    >>> pods = [{"metadata": {"name": "old", "creationTimestamp": "2026-01-01T00:00:00Z"}},
    ...         {"metadata": {"name": "new", "creationTimestamp": "2026-01-01T00:09:00Z"}}]
    >>> [pod["metadata"]["name"] for pod in sorted(pods, key=deletion_rank)]
    ['new', 'old']
    """
    phases = {"Pending": 0, "Unknown": 1, "Running": 2}
    created = epoch(text(pod, "metadata", "creationTimestamp")) or 0.0
    cost = text(pod, "metadata", "annotations", "controller.kubernetes.io/pod-deletion-cost")
    return (
        bool(text(pod, "spec", "nodeName")),
        phases.get(text(pod, "status", "phase"), 0),
        is_ready(pod),
        int(cost) if re.fullmatch(r"-?\d{1,10}", cost) else 0,
        -(available_from(pod, 0) or 0.0),
        -restarts(pod),
        -created,
        -(integer(pod, "metadata", "generation") or 0),
        text(pod, "metadata", "name"),
    )
