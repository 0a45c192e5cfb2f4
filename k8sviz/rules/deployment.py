"""What the Deployment controller does next: pure functions over sizes, one for each of its steps.

Rules: pkg/controller/deployment (rolling.go, recreate.go, sync.go) and its util/deployment_util.go, as of v1.36.
A size is a number of Pods; nothing here counts Pods that are being deleted, as the controller does not either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from k8sviz.rules.fields import JSON, integer, mapping, text
from k8sviz.rules.rollout import RolloutBounds, is_paused, rollout_bounds

__all__ = [
    "HISTORY_LIMIT",
    "PROGRESS_DEADLINE",
    "REVISION",
    "Scale",
    "Size",
    "cleanup_unhealthy",
    "deployment_complete",
    "history_limit",
    "is_paused",
    "may_create",
    "min_ready_seconds",
    "new_replica_set_size",
    "next_scaling",
    "old_to_forget",
    "progress_deadline",
    "proportional_sizes",
    "reconcile_old",
    "revision_of",
    "same_template",
    "scale_down_old",
    "uses_recreate",
]

REVISION: Final = "deployment.kubernetes.io/revision"
HISTORY_LIMIT: Final = 10
PROGRESS_DEADLINE: Final = 600


class Size(NamedTuple):
    """One ReplicaSet as the controller sees it: `desired` is spec.replicas, `available` status.availableReplicas.

    `pods` are those that exist and are not over (status.replicas). `age` orders sets: older ones have smaller numbers.
    `wanted` and `limit` are its annotations deployment.kubernetes.io/desired-replicas and max-replicas: the
    Deployment's replicas, and replicas + surge, when this set was last scaled; `revision` is deployment.kubernetes.io/
    revision, which a set gets anew when a rollback makes it the new one.
    """

    name: str
    desired: int
    available: int = 0
    pods: int = 0
    age: int = 0
    wanted: int | None = None
    limit: int | None = None
    revision: int | None = None


class Scale(NamedTuple):
    """One scaling: the ReplicaSet's name, its size before and after."""

    name: str
    before: int
    after: int


# -- what a Deployment asks for ----------------------------------------------------------------------


def min_ready_seconds(workload: JSON) -> int:
    """spec.minReadySeconds, 0 by default."""
    return max(0, integer(workload, "spec", "minReadySeconds") or 0)


def history_limit(deployment: JSON) -> int:
    """spec.revisionHistoryLimit, 10 by default."""
    found = integer(deployment, "spec", "revisionHistoryLimit")
    return HISTORY_LIMIT if found is None else max(0, found)


def progress_deadline(deployment: JSON) -> int:
    """spec.progressDeadlineSeconds, 600 by default."""
    found = integer(deployment, "spec", "progressDeadlineSeconds")
    return PROGRESS_DEADLINE if found is None else found


def uses_recreate(deployment: JSON) -> bool:
    """Whether spec.strategy.type is Recreate."""
    return text(deployment, "spec", "strategy", "type") == "Recreate"


def revision_of(thing: JSON) -> int | None:
    """The revision that a Deployment or ReplicaSet carries in its annotation."""
    found = text(thing, "metadata", "annotations", REVISION)
    return int(found) if found.isdecimal() and len(found) < 10 else None


def same_template(one: JSON, other: JSON) -> bool:
    """Whether two Pod templates are equal but for the hash that the controller adds (EqualIgnoreHash).

    >>> same_template({"metadata": {"labels": {"a": "b", "pod-template-hash": "7d64"}}},
    ...               {"metadata": {"labels": {"a": "b"}}})
    True
    """
    return _hashless(one) == _hashless(other)


def _hashless(template: JSON) -> dict[str, Any]:
    labels = {k: v for k, v in mapping(template, "metadata", "labels").items() if k != "pod-template-hash"}
    meta = {k: v for k, v in mapping(template, "metadata").items() if v is not None}  # creationTimestamp: null
    return {**template, "metadata": {**meta, "labels": labels}}


# -- one step of a rolling update --------------------------------------------------------------------


def _total(sizes: Sequence[Size]) -> int:
    return sum(size.desired for size in sizes)


def new_replica_set_size(bounds: RolloutBounds, new: Size, old: Sequence[Size], *, recreate: bool = False) -> int:
    """The size that the new ReplicaSet gets now (NewRSNewReplicas): as many Pods as desired + surge leaves room for.

    >>> new_replica_set_size(rollout_bounds({"spec": {"replicas": 4}}), Size("new", 0), [Size("old", 4)])
    1
    """
    if recreate or new.desired >= bounds.replicas:
        return bounds.replicas
    room = bounds.max_total - _total([new, *old])
    return new.desired + max(0, min(room, bounds.replicas - new.desired))


def cleanup_unhealthy(old: Sequence[Size], most: int) -> list[Size]:
    """Old ReplicaSets without those Pods, `most` at most, that are not available anyway (cleanupUnhealthyReplicas).

    They go first, whatever the bounds: nobody misses them. The oldest set gives first.

    >>> cleanup_unhealthy([Size("a", 3, available=1)], 5)[0].desired
    1
    """
    left, sizes = most, []
    for size in sorted(old, key=lambda s: s.age):
        go = max(0, min(left, size.desired - size.available))
        left -= go
        sizes.append(size._replace(desired=size.desired - go))
    return sizes


def scale_down_old(bounds: RolloutBounds, new: Size, old: Sequence[Size]) -> list[Size]:
    """Old ReplicaSets without as many Pods as are available above the minimum.

    Kubernetes' scaleDownOldReplicaSetsForRollingUpdate.

    >>> [s.desired for s in scale_down_old(rollout_bounds({"spec": {"replicas": 4}}), Size("n", 1), [Size("o", 4, 4)])]
    [3]
    """
    left = max(0, new.available + sum(size.available for size in old) - bounds.min_available)
    sizes = []
    for size in sorted(old, key=lambda s: s.age):
        go = min(left, size.desired)
        left -= go
        sizes.append(size._replace(desired=size.desired - go))
    return sizes


def reconcile_old(bounds: RolloutBounds, new: Size, old: Sequence[Size]) -> list[Size]:
    """The old ReplicaSets' next sizes (reconcileOldReplicaSets).

    New Pods that are not available yet count against what may go, since they may never be; so a bad version with
    maxUnavailable 0 takes no old Pod away.
    """
    unready = new.desired - new.available
    most = _total([new, *old]) - bounds.min_available - unready
    if not _total(old) or most <= 0:
        return list(old)
    return scale_down_old(bounds, new, cleanup_unhealthy(old, most))


def next_scaling(deployment: JSON, new: Size | None, old: Sequence[Size]) -> list[Scale]:
    """What the controller scales now; empty when it has to wait or is done. One sync does only one of its steps.

    `new` is the ReplicaSet of the present template, None while there is none. Order: a changed spec.replicas first
    (in proportion), nothing more while paused, then up, then down.
    """
    bounds = rollout_bounds(deployment)
    known = {size.name: size for size in ([*old, new] if new is not None else old)}
    outdated: set[str] = set()
    if is_paused(deployment) or _is_scaling(bounds, known.values()):
        after = proportional_sizes(deployment, new, old)
        # scaled in proportion, a set's annotations follow even where its size stays
        outdated = {name for name, s in known.items() if (s.wanted, s.limit) != (bounds.replicas, bounds.max_total)}
    elif uses_recreate(deployment):
        after = _recreate(bounds, new, old)
    elif new is None:
        after = {}
    else:
        size = new_replica_set_size(bounds, new, old)
        after = {new.name: size}
        if size == new.desired:
            after = {s.name: s.desired for s in reconcile_old(bounds, new, old)}
    scales = [Scale(name, known[name].desired, size) for name, size in after.items()]
    return [scale for scale in scales if scale.before != scale.after or scale.name in outdated]


def may_create(deployment: JSON, old: Sequence[Size]) -> bool:
    """Whether the controller makes the new ReplicaSet now, if there is none.

    Not while paused; a changed spec.replicas comes first, and under Recreate the last old Pod must be gone.

    >>> may_create({"spec": {"replicas": 6}}, [Size("old", 3, wanted=3)])
    False
    """
    if is_paused(deployment) or _is_scaling(rollout_bounds(deployment), old):
        return False
    return not uses_recreate(deployment) or not any(size.pods or size.desired for size in old)


def _is_scaling(bounds: RolloutBounds, known: Iterable[Size]) -> bool:
    """Whether spec.replicas changed since the last sync (isScalingEvent)."""
    return any(s.desired > 0 and s.wanted is not None and s.wanted != bounds.replicas for s in known)


def _recreate(bounds: RolloutBounds, new: Size | None, old: Sequence[Size]) -> dict[str, int]:
    """All old Pods go first, and the new ones come when the last of them is over (rolloutRecreate)."""
    down = {s.name: 0 for s in old if s.desired}
    if down or new is None or any(s.pods for s in old):
        return down
    return {new.name: bounds.replicas}


# -- scaling in proportion ---------------------------------------------------------------------------


def proportional_sizes(deployment: JSON, new: Size | None, old: Sequence[Size]) -> dict[str, int]:
    """The sizes after a change of spec.replicas, or while paused (sync.go, scale).

    One set with Pods takes the whole change; several share it by their sizes, so that a half-way rollout stays
    half-way; what rounding leaves goes to the largest.

    >>> deployment = {"spec": {"replicas": 15, "strategy": {"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}}}
    >>> proportional_sizes(deployment, Size("new", 5, limit=13, age=2), [Size("old", 8, limit=13, age=1)])
    {'old': 11, 'new': 7}
    """
    bounds = rollout_bounds(deployment)
    known = [*old, new] if new is not None else list(old)
    active = [s for s in known if s.desired > 0]
    if len(active) <= 1:
        only = active[0] if active else new or max(old, key=lambda s: s.age, default=None)
        return {} if only is None or only.desired == bounds.replicas else {only.name: bounds.replicas}
    if new is not None and new.desired == new.wanted == new.available == bounds.replicas:  # IsSaturated
        return {s.name: 0 for s in old if s.desired}
    if uses_recreate(deployment):
        return {}
    return _shares(bounds, active)


def _shares(bounds: RolloutBounds, active: Sequence[Size]) -> dict[str, int]:
    allowed = bounds.max_total if bounds.replicas > 0 else 0
    to_add = allowed - _total(active)
    newer_first = -1 if to_add > 0 else 1
    ordered = sorted(active, key=lambda s: (-s.desired, newer_first * s.age))
    sizes: dict[str, int] = {}
    added = 0
    for size in ordered:
        share = _share(bounds, size)
        rest = to_add - added
        given = min(share, rest) if rest > 0 else max(share, rest) if rest < 0 else 0
        sizes[size.name] = size.desired + given
        added += given
    if ordered and to_add:
        largest = ordered[0].name
        sizes[largest] = max(0, sizes[largest] + to_add - added)
    return sizes


def _share(bounds: RolloutBounds, size: Size) -> int:
    """How much a set would grow if it kept its part of the whole (getReplicaSetFraction)."""
    if bounds.replicas == 0:
        return -size.desired
    if not size.limit:
        return 0
    from decimal import ROUND_HALF_UP, Decimal  # here: most never need it

    exact = Decimal(size.desired * bounds.max_total) / Decimal(size.limit)
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP)) - size.desired


# -- the end of a rollout ----------------------------------------------------------------------------


def deployment_complete(deployment: JSON, new: Size, old: Sequence[Size]) -> bool:
    """Whether all Pods are new and available, and no old one is left (DeploymentComplete)."""
    replicas = rollout_bounds(deployment).replicas
    return new.pods == replicas and new.available == replicas and not any(s.pods for s in old)


def old_to_forget(old: Sequence[Size], limit: int) -> list[str]:
    """The ReplicaSets that are deleted after a rollout, or while paused: those beyond revisionHistoryLimit, if empty.

    The lowest revisions go first (cleanupDeployment); without one the oldest.

    >>> old_to_forget([Size("a", 0, age=1), Size("b", 2, age=2), Size("c", 0, age=3)], 1)
    ['a']
    """
    surplus = sorted(old, key=lambda s: (s.revision or 0, s.age))[: max(0, len(old) - limit)]
    return [s.name for s in surplus if s.desired == 0 and s.pods == 0]
