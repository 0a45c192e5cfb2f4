"""What the predictions for Pods have in common: which Pods, under which names, and whether they start."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k8sviz.rules.admission import admitted, in_start_order
from k8sviz.rules.fields import text
from k8sviz.rules.objects import Objects
from k8sviz.rules.start import StartReport, start_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["PredictedPod", "names_of", "predicted_pods"]


@dataclass(frozen=True, slots=True)
class PredictedPod:
    """A Pod as admitted, the name it goes by in the answer, and whether its containers start."""

    name: str
    pod: Mapping[str, Any]
    start: StartReport

    def started(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The containers that start, by name."""
        for container, _ in in_start_order(self.pod):
            name = text(container, "name")
            if self.start.starts(name):
                yield name, container


def predicted_pods(objects: Objects) -> Iterator[PredictedPod]:
    """The Pods among the objects, in order."""
    pods = objects.of_kind("Pod")
    for name, pod in zip(names_of(pods, objects), pods, strict=True):
        whole = admitted(pod, objects)
        yield PredictedPod(name, whole, start_report(whole, objects))


def names_of(
    things: Iterable[Mapping[str, Any]], objects: Objects, *, taken: frozenset[str] = frozenset({"why"})
) -> list[str]:
    """The objects' names; NAMESPACE/NAME where a name alone would not tell them apart, or is `taken`.

    >>> from k8sviz.rules.objects import Objects
    >>> pods = [{"kind": "Pod", "metadata": {"name": name}} for name in ("web", "why")]
    >>> names_of(pods, Objects())
    ['web', 'default/why']
    """
    listed = list(things)
    seen = Counter(text(thing, "metadata", "name") for thing in listed)
    names = []
    for thing in listed:
        name = text(thing, "metadata", "name")
        alone = seen[name] == 1 and name not in taken
        names.append(name if alone else f"{objects.namespace_of(thing)}/{name}")
    return names
