"""Whether a Pod's containers can start, and what keeps each from it.

The kubelet sets up all volumes in use first, then runs the init containers one after the other, then the main ones
(pkg/kubelet/kuberuntime, pkg/kubelet/volumemanager). Scheduling, images and probes are not judged here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k8sviz.rules.admission import in_start_order
from k8sviz.rules.environment import environment
from k8sviz.rules.fields import text
from k8sviz.rules.files import container_files, volume_problems
from k8sviz.rules.objects import Objects
from k8sviz.rules.reasons import Reason

__all__ = ["REFUSED", "StartReport", "start_report"]

REFUSED = frozenset(
    {
        "field-not-supported",
        "invalid-variable-name",
        "path-not-inside",
        "resource-not-supported",
        "source-not-supported",
        "sub-path-not-inside",
        "value-not-a-string",
        "volume-not-found",
    }
)
"""The codes of what the API server's validation refuses: such a Pod is never created."""


@dataclass(frozen=True, slots=True)
class StartReport:
    """What keeps containers from starting.

    With `refused` the API server takes no such Pod; `pod` keeps every container waiting (FailedMount);
    `containers` are the reasons of each by its name.
    """

    refused: tuple[Reason, ...] = ()
    pod: tuple[Reason, ...] = ()
    containers: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)

    def starts(self, container: str) -> bool:
        """Whether nothing keeps this container from starting."""
        return not (self.refused or self.pod or self.containers.get(container))

    def to_json(self) -> dict[str, Any]:
        """The reasons as plain JSON; empty when everything can start."""
        parts = {"refused": self.refused, "pod": self.pod}
        found: dict[str, Any] = {
            part: [each.to_json() for each in reasons] for part, reasons in parts.items() if reasons
        }
        if self.containers:
            found["containers"] = {
                name: [reason.to_json() for reason in reasons] for name, reasons in self.containers.items()
            }
        return found


def start_report(pod: Mapping[str, Any], objects: Objects) -> StartReport:
    """What keeps the Pod's containers from starting; an init container that cannot start keeps all after it waiting.

    >>> from k8sviz.rules.objects import Objects
    >>> variable = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "a"}}}
    >>> report = start_report({"spec": {"containers": [{"name": "main", "env": [variable]}]}}, Objects())
    >>> report.containers["main"][0].code, report.starts("main")
    ('secret-not-found', False)
    """
    found: dict[str, tuple[Reason, ...]] = {}
    failed = ""
    for container, role in in_start_order(pod):
        name = text(container, "name")
        if failed and role != "ephemeral":
            found[name] = (Reason("waits-for-init-container", {"container": name, "init_container": failed}),)
            continue
        own = (*environment(pod, container, objects).problems, *container_files(pod, container, objects).problems)
        if own:
            found[name] = own
            failed = name if role in ("init", "sidecar") else failed
    volumes = volume_problems(pod, objects)
    everything = (*volumes, *(reason for reasons in found.values() for reason in reasons))
    refused = tuple(reason for reason in everything if reason.code in REFUSED)
    return StartReport(refused, volumes, found)
