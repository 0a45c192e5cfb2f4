"""Revisions of a Deployment: the annotations that its ReplicaSets carry.

Rules: pkg/controller/deployment/util/deployment_util.go (SetNewReplicaSetAnnotations, SetReplicasAnnotations,
MaxRevision), as of v1.36.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from k8sviz.rules.deployment import REVISION, revision_of
from k8sviz.rules.fields import JSON, mapping, text
from k8sviz.rules.rollout import rollout_bounds

__all__ = ["DESIRED", "MOST", "REVISION_HISTORY", "max_revision", "new_set_annotations", "scale_annotations"]

DESIRED: Final = "deployment.kubernetes.io/desired-replicas"
MOST: Final = "deployment.kubernetes.io/max-replicas"
REVISION_HISTORY: Final = "deployment.kubernetes.io/revision-history"
_NOT_COPIED: Final = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        REVISION_HISTORY,
        DESIRED,
        MOST,
        "deprecated.deployment.rollback.to",
    }
)
_LONGEST_HISTORY: Final = 2000  # letters


def max_revision(sets: Iterable[JSON]) -> int:
    """The highest revision that any of these ReplicaSets carries, 0 for none."""
    return max((revision_of(one) or 0 for one in sets), default=0)


def scale_annotations(deployment: JSON) -> dict[str, str]:
    """What a ReplicaSet notes when it is scaled: the Deployment's replicas, and how many Pods there may be at most."""
    bounds = rollout_bounds(deployment)
    return {DESIRED: str(bounds.replicas), MOST: str(bounds.replicas + bounds.max_surge)}


def new_set_annotations(deployment: JSON, before: JSON, revision: int, *, exists: bool) -> dict[str, str]:
    """The annotations of the new ReplicaSet: the Deployment's (change-cause and others), and its revision.

    `before` are those that it has. A set that becomes the new one again keeps its earlier revisions in a history.

    >>> new_set_annotations({}, {REVISION: "1"}, 3, exists=True)
    {'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1'}
    """
    notes = dict(before)
    notes.update({k: v for k, v in mapping(deployment, "metadata", "annotations").items() if k not in _NOT_COPIED})
    old = text(before, REVISION)
    if old and not old.isdecimal():
        return notes
    if int(old or 0) < revision:
        notes[REVISION] = str(revision)
        if REVISION in before:
            parts = [part for part in text(before, REVISION_HISTORY).split(",") if part]
            while parts and len(",".join([*parts, old])) > _LONGEST_HISTORY:
                parts.pop(0)
            notes[REVISION_HISTORY] = ",".join([*parts, old])
    return notes if exists else {**notes, **scale_annotations(deployment)}
