"""How a growing volume stands: what its claim asks for, what the volume has, what the file system has.

The external-resizer grows the volume, then the kubelet grows the file system on it. `status.capacity` of the claim
follows last, so that it is what a Pod can use. Rules: k8s.io/api/core/v1 (ClaimResourceStatus,
PersistentVolumeClaimConditionType), pkg/volume/util/operationexecutor, kubernetes-csi/external-resizer.
"""

from typing import Any, Final, Literal, NamedTuple

from k8sviz.rules.fields import JSON, mapping, text
from k8sviz.rules.meta import condition_status
from k8sviz.rules.quantity import Quantity, quantity_or_none

__all__ = ["Growth", "Stage", "growth_of"]

Stage = Literal["", "asked", "controller", "controller-failed", "node", "node-failed"]
"""'' nothing to grow · asked: nobody has begun · controller: the driver grows the volume · node: the volume has grown,
its file system has not yet · …-failed: that part failed, and is tried again or needs another size."""

_BY_STATUS: Final[dict[str, Stage]] = {
    "ControllerResizeInProgress": "controller",
    "ControllerResizeInfeasible": "controller-failed",
    "ControllerResizeFailed": "controller-failed",
    "NodeResizePending": "node",
    "NodeResizeInProgress": "node",
    "NodeResizeInfeasible": "node-failed",
    "NodeResizeFailed": "node-failed",
}
_BY_CONDITION: Final[tuple[tuple[str, Stage], ...]] = (
    ("ControllerResizeError", "controller-failed"),
    ("NodeResizeError", "node-failed"),
    ("FileSystemResizePending", "node"),
    ("Resizing", "controller"),
)


class Growth(NamedTuple):
    """Sizes of one claim: `asked` in its spec, `volume` that its PersistentVolume has, `usable` in its file system.

    `allocated` is what the driver was told to make (status.allocatedResources); a size is None where nothing says it.
    """

    asked: Quantity | None
    allocated: Quantity | None
    volume: Quantity | None
    usable: Quantity | None
    stage: Stage

    @property
    def growing(self) -> bool:
        """Whether the claim is to have more than it has."""
        return self.stage != ""


def growth_of(claim: JSON, volume: JSON | None = None) -> Growth:
    """How far a claim's volume has grown. Reads spec.resources.requests, status.capacity, allocatedResources,
    allocatedResourceStatuses and conditions; the volume's spec.capacity, where it is known.

    >>> claim = {"spec": {"resources": {"requests": {"storage": "2Gi"}}},
    ...          "status": {"phase": "Bound", "capacity": {"storage": "1Gi"},
    ...                     "conditions": [{"type": "FileSystemResizePending", "status": "True"}]}}
    >>> growth_of(claim).stage, str(growth_of(claim).usable)
    ('node', '1Gi')
    """
    asked = _storage(mapping(claim, "spec", "resources", "requests"))
    usable = _storage(mapping(claim, "status", "capacity"))
    has = _storage(mapping(volume, "spec", "capacity"))
    stage: Stage = _BY_STATUS.get(text(claim, "status", "allocatedResourceStatuses", "storage"), "")
    failed = [found for kind, found in _BY_CONDITION[:2] if condition_status(claim, kind) == "True"]
    if failed or not stage:
        known = (found for kind, found in _BY_CONDITION if condition_status(claim, kind) == "True")
        stage = next(known, "")
    if not stage and text(claim, "status", "phase") == "Bound" and asked and usable and usable < asked:
        stage = "node" if has and usable < has and asked <= has else "asked"
    return Growth(asked, _storage(mapping(claim, "status", "allocatedResources")), has, usable, stage)


def _storage(sizes: JSON) -> Quantity | None:
    found: Any = sizes.get("storage")
    return quantity_or_none(found)
