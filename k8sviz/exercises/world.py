"""What a cluster would be like with a learner's manifests in it: the questions that goals ask.

A goal asks a World and never looks at a manifest's wording, so that the same goals can be judged by prediction
(`Predicted`, offline) or by a cluster that the manifests were applied to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from k8sviz.history import Object
from k8sviz.predict import (
    BindingPrediction,
    EnvironmentPrediction,
    FilesPrediction,
    predict_binding,
    predict_environment,
    predict_files,
)
from k8sviz.predict.text import reason_words
from k8sviz.rules.access import account, can
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.files import Mount
from k8sviz.rules.objects import Objects
from k8sviz.rules.start import StartReport
from k8sviz.rules.statefulset import claim_name, claim_templates, replicas_of, start_ordinal

__all__ = ["Bound", "Predicted", "Seen", "World"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A claim's fate: its volume or None, and the reasons against each volume as (code, sentence)."""

    volume: str | None
    code: str
    words: str
    against: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as a container sees it: content (None: not known), mode, and whether changes of its source reach it."""

    content: bytes | None
    mode: int
    live: bool


class World(Protocol):
    """A cluster with the learner's objects in it. What does not exist is None, or empty."""

    def find(self, kind: str, name: str) -> Object | None:
        """An object by kind and name."""

    def all(self, kind: str) -> list[Object]:
        """All objects of a kind, the learner's last."""

    def claim(self, name: str) -> Bound | None:
        """What becomes of a claim, those of StatefulSets among them."""

    def environment(self, pod: str, container: str) -> Mapping[str, str | None] | None:
        """A container's variables; None when it does not start."""

    def files(self, pod: str, container: str) -> Mapping[str, Seen] | None:
        """A container's files under its mounts; None when it does not start."""

    def mounts(self, pod: str, container: str) -> Sequence[Mount]:
        """A container's mounts."""

    def stopped(self, pod: str) -> str:
        """Why some of a Pod's containers do not start, as a sentence; '' when all do."""

    def may(self, account_name: str, verb: str, resource: str, group: str, namespace: str) -> bool:
        """Whether a ServiceAccount of this namespace may do this in it."""


class Predicted:
    """A World by prediction: nothing runs."""

    def __init__(self, objects: Sequence[Object], namespace: str = "default") -> None:
        self._objects = list(objects)
        self._namespace = namespace
        self._known = Objects(self._objects, namespace=namespace)

    def find(self, kind: str, name: str) -> Object | None:
        """An object by kind and name."""
        return next((o for o in self.all(kind) if text(o, "metadata", "name") == name), None)

    def all(self, kind: str) -> list[Object]:
        """All objects of a kind."""
        return [dict(o) for o in self._known.of_kind(kind)]

    # -- claims --------------------------------------------------------------------------------------

    @cached_property
    def _binding(self) -> BindingPrediction:
        return predict_binding([*self._objects, *self._stateful_claims()], namespace=self._namespace)

    def _stateful_claims(self) -> list[Object]:
        """The claims that StatefulSets make, in the order in which they make them."""
        made = []
        for owner in self.all("StatefulSet"):
            templates = listed(owner, "spec", "volumeClaimTemplates")
            first = start_ordinal(owner)
            for ordinal in range(first, first + min(replicas_of(owner), 100)):
                for name, template in zip(claim_templates(owner), templates, strict=True):
                    meta = {
                        "name": claim_name(name, text(owner, "metadata", "name"), ordinal),
                        "namespace": self._known.namespace_of(owner),
                    }
                    made.append(
                        {
                            "apiVersion": "v1",
                            "kind": "PersistentVolumeClaim",
                            "metadata": meta,
                            "spec": mapping(template, "spec"),
                        }
                    )
        return made

    def claim(self, name: str) -> Bound | None:
        """What becomes of a claim."""
        fate = self._binding.claims.get(name)
        if fate is None:
            return None
        against = {
            text(c.volume, "metadata", "name"): tuple((r.code, reason_words(r, "binding")) for r in c.reasons)
            for c in fate.candidates
        }
        return Bound(fate.volume, fate.reason.code, reason_words(fate.reason, "binding"), against)

    # -- Pods ----------------------------------------------------------------------------------------

    @cached_property
    def _environments(self) -> EnvironmentPrediction:
        return predict_environment(self._objects, namespace=self._namespace)

    @cached_property
    def _files(self) -> FilesPrediction:
        return predict_files(self._objects, namespace=self._namespace)

    def environment(self, pod: str, container: str) -> Mapping[str, str | None] | None:
        """A container's variables."""
        found = self._environments.pods.get(pod, {}).get(container)
        return None if found is None else found.values()

    def files(self, pod: str, container: str) -> Mapping[str, Seen] | None:
        """A container's files under its mounts."""
        found = self._files.pods.get(pod, {}).get(container)
        if found is None:
            return None
        return {path: Seen(file.content, file.mode, file.update == "live") for path, file in found.files.items()}

    def mounts(self, pod: str, container: str) -> Sequence[Mount]:
        """A container's mounts."""
        found = self._files.pods.get(pod, {}).get(container)
        return found.mounts if found else ()

    def stopped(self, pod: str) -> str:
        """Why some of a Pod's containers do not start."""
        report = self._files.why.get(pod) or self._environments.why.get(pod)
        return _first_reason(report) if report else ""

    def may(self, account_name: str, verb: str, resource: str, group: str, namespace: str) -> bool:
        """Whether a ServiceAccount may do this."""
        who = account(account_name, namespace)
        return can(self._objects, who, verb, resource, group=group, namespace=namespace).allowed


def _first_reason(report: StartReport) -> str:
    reasons = [*report.refused, *report.pod, *(r for each in report.containers.values() for r in each)]
    return reason_words(reasons[0], "pod") if reasons else ""
