"""Predicts the environment variables of every container among some manifests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k8sviz.predict._pods import predicted_pods
from k8sviz.rules.environment import Environment, environment
from k8sviz.rules.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from k8sviz.rules.start import StartReport

__all__ = ["EnvironmentPrediction", "predict_environment"]


@dataclass(frozen=True, slots=True)
class EnvironmentPrediction:
    """The environments by Pod and container, for the containers that start; `why` has the Pods of which some do not."""

    pods: Mapping[str, Mapping[str, Environment]]
    why: Mapping[str, StartReport]

    def to_json(self) -> dict[str, Any]:
        """Pod → container → variable → value (null: not known before the Pod runs), and `why` if there is any."""
        found: dict[str, Any] = {
            pod: {container: each.values() for container, each in containers.items()}
            for pod, containers in self.pods.items()
        }
        if self.why:
            found["why"] = {pod: report.to_json() for pod, report in self.why.items()}
        return found


def predict_environment(manifests: Iterable[object], *, namespace: str = "default") -> EnvironmentPrediction:
    """The variables that `env` and `envFrom` give each container; not what the image and Services add.

    `manifests` are applied in order, into `namespace` where they name none.

    >>> container = {"name": "main", "env": [{"name": "GREETING", "value": "hi"}]}
    >>> pod = {"kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [container]}}
    >>> predict_environment([pod]).to_json()
    {'web': {'main': {'GREETING': 'hi'}}}
    """
    objects = Objects(manifests, namespace=namespace)
    pods, why = {}, {}
    for found in predicted_pods(objects):
        pods[found.name] = {name: environment(found.pod, each, objects) for name, each in found.started()}
        if found.start.to_json():
            why[found.name] = found.start
    return EnvironmentPrediction(pods, why)
