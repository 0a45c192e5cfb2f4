"""Predicts the files under the mounts of every container among some manifests."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from k8sviz.predict._pods import predicted_pods
from k8sviz.rules.file_access import Identity, identity_of, readable
from k8sviz.rules.files import ContainerFiles, File, container_files, mode_text
from k8sviz.rules.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from k8sviz.rules.start import StartReport

__all__ = ["FilesPrediction", "predict_files"]


@dataclass(frozen=True, slots=True)
class FilesPrediction:
    """The files by Pod and container, for the containers that start; `why` has the Pods of which some do not.

    `who` is whom each of these containers runs as.
    """

    pods: Mapping[str, Mapping[str, ContainerFiles]]
    why: Mapping[str, StartReport]
    who: Mapping[str, Mapping[str, Identity]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Pod → container → path → mode (octal text) and base64 (null: not known), and `why` if there is any."""
        found: dict[str, Any] = {
            pod: {name: {path: _file(file) for path, file in each.files.items()} for name, each in containers.items()}
            for pod, containers in self.pods.items()
        }
        if self.why:
            found["why"] = {pod: report.to_json() for pod, report in self.why.items()}
        return found

    def owners_json(self) -> dict[str, Any]:
        """Pod → container → path → uid, gid, mode, and whether the container's user can read it (yes, no, depends)."""
        return {
            pod: {
                name: {path: _owned(file, self.who[pod][name]) for path, file in each.files.items()}
                for name, each in containers.items()
            }
            for pod, containers in self.pods.items()
        }


def predict_files(manifests: Iterable[object], *, namespace: str = "default") -> FilesPrediction:
    """The files that ConfigMaps, Secrets, the Downward API and projected volumes put under each container's mounts.

    Symbolic links are followed. `manifests` are applied in order, into `namespace` where they name none.

    >>> config = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    >>> container = {"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/etc/c"}]}
    >>> volumes = [{"name": "v", "configMap": {"name": "c"}}]
    >>> spec = {"automountServiceAccountToken": False, "containers": [container], "volumes": volumes}
    >>> predict_files([config, {"kind": "Pod", "metadata": {"name": "web"}, "spec": spec}]).to_json()
    {'web': {'main': {'/etc/c/a': {'mode': '644', 'base64': 'MQ=='}}}}
    """
    objects = Objects(manifests, namespace=namespace)
    pods, why, who = {}, {}, {}
    for found in predicted_pods(objects):
        who[found.name] = {name: identity_of(found.pod, each) for name, each in found.started()}
        pods[found.name] = {name: container_files(found.pod, each, objects) for name, each in found.started()}
        if found.start.to_json():
            why[found.name] = found.start
    return FilesPrediction(pods, why, who)


def _file(file: File) -> dict[str, str | None]:
    content = None if file.content is None else base64.b64encode(file.content).decode()
    return {"mode": mode_text(file.mode), "base64": content}


def _owned(file: File, who: Identity) -> dict[str, Any]:
    may = readable(who, file.uid, file.gid, file.mode)
    return {"uid": file.uid, "gid": file.gid, "mode": mode_text(file.mode), "readable": may}
