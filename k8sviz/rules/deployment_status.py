"""A Deployment's status as its controller writes it: counts, conditions and their words.

Rules: pkg/controller/deployment (sync.go calculateStatus, checkPausedConditions; progress.go syncRolloutStatus) and
its util/deployment_util.go, as of v1.36. `stamp` is the present time as the API writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from k8sviz.rules.availability import epoch
from k8sviz.rules.deployment import progress_deadline
from k8sviz.rules.fields import JSON, integer, listed, mapping, text
from k8sviz.rules.meta import condition
from k8sviz.rules.rollout import is_paused, rollout_bounds
from k8sviz.rules.statefulset import replicas_of

__all__ = ["is_complete", "paused_status", "rollout_status", "seconds_to_deadline", "with_condition"]

_NO_DEADLINE: Final = 2**31 - 1
_TIMED_OUT: Final = "ProgressDeadlineExceeded"
_AVAILABLE: Final = "NewReplicaSetAvailable"


def with_condition(
    conditions: Iterable[JSON], kind: str, status: str, reason: str, message: str, stamp: str
) -> list[JSON]:
    """The conditions with one set, the newest last (SetDeploymentCondition).

    Nothing changes when status and reason are as before; the transition time stays while the status does.

    >>> old = with_condition([], "Available", "True", "Minimum", "has", "10:00")
    >>> with_condition(old, "Available", "True", "Minimum", "has it", "10:05") == old
    True
    """
    known = list(conditions)
    before = next((c for c in known if text(c, "type") == kind), None)
    if before is not None and (text(before, "status"), text(before, "reason")) == (status, reason):
        return known
    since = stamp if before is None or text(before, "status") != status else text(before, "lastTransitionTime")
    new = {
        "type": kind,
        "status": status,
        "lastUpdateTime": stamp,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
    return [*(c for c in known if c is not before), new]


def _total(sets: Iterable[JSON], name: str) -> int:
    return sum(integer(s, "status", name) or 0 for s in sets)


def _terminating(sets: Iterable[JSON]) -> int | None:
    """All terminating Pods; None when a set that was looked at does not say how many it has."""
    found = 0
    for one in sets:
        count = integer(one, "status", "terminatingReplicas")
        if count is None and integer(one, "status", "observedGeneration"):
            return None
        found += count or 0
    return found


def _counts(deployment: JSON, sets: Sequence[JSON], new: JSON | None) -> dict[str, Any]:
    available = _total(sets, "availableReplicas")
    wanted = sum(replicas_of(s) for s in sets)
    shown = {
        "observedGeneration": integer(deployment, "metadata", "generation"),
        "replicas": _total(sets, "replicas"),
        "updatedReplicas": _total([new] if new is not None else [], "replicas"),
        "readyReplicas": _total(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
    }
    counts: dict[str, Any] = {name: count for name, count in shown.items() if count}
    terminating = _terminating(sets)
    if terminating is not None:
        counts["terminatingReplicas"] = terminating
    return counts


def _calculated(deployment: JSON, sets: Sequence[JSON], new: JSON | None, stamp: str) -> dict[str, Any]:
    """Counts and the Available condition (calculateStatus)."""
    status = _counts(deployment, sets, new)
    conditions: list[JSON] = listed(deployment, "status", "conditions")
    if (status.get("availableReplicas") or 0) >= rollout_bounds(deployment).min_available:
        said = "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        said = "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    status["conditions"] = with_condition(conditions, "Available", *said, stamp)
    collisions = integer(deployment, "status", "collisionCount")
    if collisions is not None:
        status["collisionCount"] = collisions
    return status


def is_complete(deployment: JSON, status: JSON) -> bool:
    """Whether by this status all Pods are new and available, and no old one is left (DeploymentComplete)."""
    replicas = replicas_of(deployment)
    counts = [integer(status, name) or 0 for name in ("updatedReplicas", "replicas", "availableReplicas")]
    observed = integer(status, "observedGeneration") or 0
    return counts == [replicas] * 3 and observed >= (integer(deployment, "metadata", "generation") or 0)


def _progressed(before: JSON, after: JSON) -> bool:
    """Whether more Pods are new, ready or available than before, or fewer are old (DeploymentProgressing)."""

    def old(status: JSON) -> int:
        return (integer(status, "replicas") or 0) - (integer(status, "updatedReplicas") or 0)

    more = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return any((integer(after, n) or 0) > (integer(before, n) or 0) for n in more) or old(after) < old(before)


def rollout_status(
    deployment: JSON, sets: Sequence[JSON], new: JSON | None, stamp: str, *, only_count: bool = False
) -> dict[str, Any]:
    """The Deployment's whole status now (syncRolloutStatus); `only_count` leaves progress alone (syncDeploymentStatus).

    `sets` are all its ReplicaSets, `new` the one of its template.
    """
    status = _calculated(deployment, sets, new, stamp)
    if only_count:
        return status
    conditions = list(status["conditions"])
    current = condition(deployment, "Progressing")
    if not _has_deadline(deployment):
        conditions = [c for c in conditions if text(c, "type") != "Progressing"]
    elif not (
        (status.get("replicas") or 0) == (status.get("updatedReplicas") or 0) and text(current, "reason") == _AVAILABLE
    ):
        conditions = _with_progress(deployment, status, conditions, current, new, stamp)
    status["conditions"] = _with_failure(conditions, sets, new)
    return status


def _with_progress(
    deployment: JSON, status: JSON, conditions: list[JSON], current: JSON, new: JSON | None, stamp: str
) -> list[JSON]:
    what = f'Deployment "{text(deployment, "metadata", "name")}"'
    what = what if new is None else f'ReplicaSet "{text(new, "metadata", "name")}"'
    if is_complete(deployment, status):
        return with_condition(
            conditions, "Progressing", "True", _AVAILABLE, f"{what} has successfully progressed.", stamp
        )
    if _progressed(mapping(deployment, "status"), status):
        # the time of the last progress is kept even when nothing else changes
        kept = [c for c in conditions if text(c, "type") != "Progressing"]
        said = with_condition(kept, "Progressing", "True", "ReplicaSetUpdated", f"{what} is progressing.", stamp)
        since = text(current, "lastTransitionTime") if text(current, "status") == "True" else stamp
        return [*said[:-1], {**said[-1], "lastTransitionTime": since}]
    if _timed_out(deployment, current, stamp):
        return with_condition(
            conditions, "Progressing", "False", _TIMED_OUT, f"{what} has timed out progressing.", stamp
        )
    return conditions


def _with_failure(conditions: list[JSON], sets: Sequence[JSON], new: JSON | None) -> list[JSON]:
    """A ReplicaSet's ReplicaFailure is the Deployment's too: the new set's first (getReplicaFailures)."""
    for one in [*([new] if new is not None else []), *sets]:
        found = condition(one, "ReplicaFailure")
        if found:
            since = text(found, "lastTransitionTime")
            said = text(found, "status"), text(found, "reason"), text(found, "message")
            return with_condition(conditions, "ReplicaFailure", *said, since)
    return [c for c in conditions if text(c, "type") != "ReplicaFailure"]


def _has_deadline(deployment: JSON) -> bool:
    return progress_deadline(deployment) != _NO_DEADLINE


def _timed_out(deployment: JSON, current: JSON, stamp: str) -> bool:
    """Whether the last progress is longer ago than progressDeadlineSeconds (DeploymentTimedOut)."""
    if not current or text(current, "reason") == _AVAILABLE:
        return False
    if text(current, "reason") == _TIMED_OUT:
        return True
    last, now = epoch(text(current, "lastUpdateTime")), epoch(stamp)
    return last is not None and now is not None and last + progress_deadline(deployment) < now


def seconds_to_deadline(deployment: JSON, stamp: str) -> float | None:
    """In how many seconds the deadline is to be looked at again (requeueStuckDeployment); None when it is not."""
    current = condition(deployment, "Progressing")
    if not _has_deadline(deployment) or not current or text(current, "reason") == _TIMED_OUT:
        return None
    if is_complete(deployment, mapping(deployment, "status")):
        return None
    last, now = epoch(text(current, "lastUpdateTime")), epoch(stamp)
    if last is None or now is None:
        return None
    return max(0.0, last + progress_deadline(deployment) - now) + 1.0


def paused_status(deployment: JSON, stamp: str) -> dict[str, Any] | None:
    """The status with the condition of a pause that began or ended; None when none did (checkPausedConditions)."""
    current = condition(deployment, "Progressing")
    if not _has_deadline(deployment) or text(current, "reason") == _TIMED_OUT:
        return None
    paused, said = is_paused(deployment), text(current, "reason") == "DeploymentPaused"
    if paused == said:
        return None
    words = ("DeploymentPaused", "Deployment is paused") if paused else ("DeploymentResumed", "Deployment is resumed")
    status = dict(mapping(deployment, "status"))
    conditions = with_condition(listed(status, "conditions"), "Progressing", "Unknown", *words, stamp)
    return {**status, "conditions": conditions}
