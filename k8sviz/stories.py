"""The stories by name: a line for each, which says what else needs to know of it."""

from typing import Final, NamedTuple

__all__ = ["FOLLOWED", "STORIES", "Story"]


class Story(NamedTuple):
    """A story that can be told: the function `name` in the module `k8sviz/diagrams/stories/<name>.py`.

    `lab` shows all of it, at its end or after its `step`. `reads` are the kinds that a live cluster is asked for.
    `draws` are kinds of its nodes by the family that gives them their colour, if no line above has them.
    """

    name: str
    lab: str
    step: str = ""
    reads: str = "Pod"
    draws: tuple[tuple[str, str], ...] = ()


_OWNERS: Final = "Deployment ReplicaSet StatefulSet ReplicationController"
_SERVED: Final = "Service EndpointSlice"
_ROLES: Final = "ServiceAccount Role RoleBinding"
_CLAIMS: Final = "PersistentVolumeClaim PersistentVolume StorageClass"
_DRIVERS: Final = "CSIDriver VolumeAttachment"
_STORES: Final = "ConfigMap Secret"
_FILLED: Final = "Key Variable File Argument"

_ALL: Final = (
    Story(
        "overview",
        "ch10-identity",
        "get",
        f"Pod {_STORES} {_SERVED} {_OWNERS}",
        (("workload", f"Pod {_OWNERS} DaemonSet Job CronJob ControllerRevision"),),
    ),
    Story(
        "storage",
        "ch06-static-binding",
        "pod-running",
        f"Pod Node CSINode {_CLAIMS} VolumeAttributesClass {_DRIVERS}",
        (("volume", "Volume"), ("storage", f"{_CLAIMS} {_DRIVERS} Provisioner"), ("node", "Node Directory")),
    ),
    Story(
        "config",
        "ch07-configmap-volume",
        "files",
        f"Pod {_STORES}",
        (("workload", "Container InitContainer EphemeralContainer"), ("config", f"{_STORES} {_FILLED}")),
    ),
    Story("downward", "ch08-downward-volume", "files", "Pod Node", (("config", "Field"),)),
    Story(
        "access",
        "ch08-api-from-pod",
        "",
        f"Pod {_ROLES}",
        (("access", f"{_ROLES} ClusterRole ClusterRoleBinding Permission Token"),),
    ),
    Story("rollout", "ch09-rolling-update", "", f"Pod {_OWNERS} {_SERVED}", (("network", f"{_SERVED} Endpoint DNS"),)),
    Story("stateful", "ch10-identity", "get", f"Pod StatefulSet ControllerRevision {_SERVED}"),
    Story("sharing", "ch10-identity", "get", f"Pod PersistentVolumeClaim {_OWNERS}"),
    Story("reaching", "ch10-peers", "", f"Pod StatefulSet {_SERVED}"),
    Story("node", "ch10-node-failure", "wait-eviction", f"Pod Node {_CLAIMS}"),
)

STORIES: Final = {story.name: story for story in _ALL}
_REASONS: Final = (
    "PodDisruptionBudget",
    "ResourceQuota",
    "LimitRange",
)  # what `why` looks around at, and no story draws
FOLLOWED: Final = tuple(dict.fromkeys(["Event", *(kind for story in _ALL for kind in story.reads.split()), *_REASONS]))
"""The kinds that a live cluster is asked for: Events for reasons, what the stories read, and what reasons look at."""
