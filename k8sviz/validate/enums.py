"""The words that a field may hold, by the type that has the field (the constants of k8s.io/api).

Empty text is among them where the API server then fills in the default.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from k8sviz.errors import nearest
from k8sviz.validate.model import Problem, shown_value
from k8sviz.validate.published import Part

__all__ = ["ENUMS", "enum_problems"]

_PULL: Final = ("", "Always", "IfNotPresent", "Never")
_MESSAGES: Final = ("", "File", "FallbackToLogsOnError")
_PROTOCOLS: Final = ("", "TCP", "UDP", "SCTP")
_MODES: Final = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
_VOLUME: Final = ("Filesystem", "Block")
_CONTAINER: Final = {
    "imagePullPolicy": _PULL,
    "terminationMessagePolicy": _MESSAGES,
    "restartPolicy": ("Always", "Never", "OnFailure"),
}
_RETENTION: Final = ("", "Retain", "Delete")

ENUMS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "core.v1.Container": _CONTAINER,
    "core.v1.EphemeralContainer": _CONTAINER,
    "core.v1.ContainerPort": {"protocol": _PROTOCOLS},
    "core.v1.ServicePort": {"protocol": _PROTOCOLS},
    "core.v1.HTTPGetAction": {"scheme": ("", "HTTP", "HTTPS")},
    "core.v1.PodSpec": {
        "restartPolicy": ("", "Always", "OnFailure", "Never"),
        "dnsPolicy": ("", "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
        "preemptionPolicy": ("PreemptLowerPriority", "Never"),
    },
    "core.v1.PodOS": {"name": ("linux", "windows")},
    "core.v1.PodSecurityContext": {
        "fsGroupChangePolicy": ("OnRootMismatch", "Always"),
        "supplementalGroupsPolicy": ("Merge", "Strict"),
    },
    "core.v1.SecurityContext": {"procMount": ("Default", "Unmasked")},
    "core.v1.AppArmorProfile": {"type": ("RuntimeDefault", "Unconfined", "Localhost")},
    "core.v1.SeccompProfile": {"type": ("RuntimeDefault", "Unconfined", "Localhost")},
    "core.v1.ContainerResizePolicy": {
        "resourceName": ("cpu", "memory"),
        "restartPolicy": ("NotRequired", "RestartContainer"),
    },
    "core.v1.VolumeMount": {
        "mountPropagation": ("None", "HostToContainer", "Bidirectional"),
        "recursiveReadOnly": ("Disabled", "IfPossible", "Enabled"),
    },
    "core.v1.HostPathVolumeSource": {
        "type": ("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")
    },
    "core.v1.PersistentVolumeSpec": {
        "accessModes": _MODES,
        "volumeMode": _VOLUME,
        "persistentVolumeReclaimPolicy": ("", "Retain", "Delete", "Recycle"),
    },
    "core.v1.PersistentVolumeClaimSpec": {"accessModes": _MODES, "volumeMode": _VOLUME},
    "core.v1.ServiceSpec": {
        "type": ("", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
        "sessionAffinity": ("", "None", "ClientIP"),
        "externalTrafficPolicy": ("", "Cluster", "Local"),
        "internalTrafficPolicy": ("Cluster", "Local"),
        "ipFamilies": ("IPv4", "IPv6"),
        "ipFamilyPolicy": ("SingleStack", "PreferDualStack", "RequireDualStack"),
        "trafficDistribution": ("PreferClose", "PreferSameZone", "PreferSameNode"),
    },
    "core.v1.NodeSelectorRequirement": {"operator": ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")},
    "core.v1.Toleration": {
        "operator": ("", "Exists", "Equal"),
        "effect": ("", "NoSchedule", "PreferNoSchedule", "NoExecute"),
    },
    "core.v1.Taint": {"effect": ("NoSchedule", "PreferNoSchedule", "NoExecute")},
    "core.v1.TopologySpreadConstraint": {"whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway")},
    "meta.v1.LabelSelectorRequirement": {"operator": ("In", "NotIn", "Exists", "DoesNotExist")},
    "apps.v1.DeploymentStrategy": {"type": ("", "RollingUpdate", "Recreate")},
    "apps.v1.DaemonSetUpdateStrategy": {"type": ("", "RollingUpdate", "OnDelete")},
    "apps.v1.StatefulSetUpdateStrategy": {"type": ("", "RollingUpdate", "OnDelete")},
    "apps.v1.StatefulSetSpec": {"podManagementPolicy": ("", "OrderedReady", "Parallel")},
    "apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy": {"whenDeleted": _RETENTION, "whenScaled": _RETENTION},
    "batch.v1.JobSpec": {"completionMode": ("NonIndexed", "Indexed")},
    "batch.v1.CronJobSpec": {"concurrencyPolicy": ("", "Allow", "Forbid", "Replace")},
    "storage.v1.StorageClass": {
        "volumeBindingMode": ("Immediate", "WaitForFirstConsumer"),
        "reclaimPolicy": ("Delete", "Retain"),
    },
    "rbac.v1.RoleRef": {"kind": ("Role", "ClusterRole")},
    "rbac.v1.Subject": {"kind": ("ServiceAccount", "User", "Group")},
}


def enum_problems(part: Part) -> Iterator[Problem]:
    """Words that are none of those that their field may hold."""
    for name, known in ENUMS.get(part.definition, {}).items():
        value = part.value.get(name)
        listed = value if isinstance(value, list) else [value]
        for i, word in enumerate(listed):
            if isinstance(word, str) and word not in known:
                path = (*part.path, name, i) if isinstance(value, list) else (*part.path, name)
                yield Problem(path, "enum", {"value": shown_value(word), "hint": _hint(word, known)})


def _hint(word: str, known: tuple[str, ...]) -> str:
    lower = {each.lower(): each for each in known if each}
    if word.lower() in lower:
        return f"did you mean {lower[word.lower()]}?"
    found = nearest(word, [each for each in known if each])
    return found if found.endswith("?") else f"{found}."
