"""The objects of a set of manifests by kind, name and namespace, and what runs Pods among them by its labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple

from k8sviz.kinds import KINDS, Ref, may_be_own
from k8sviz.rules.fields import flag, listed, mapping, text
from k8sviz.rules.selectors import labels_of
from k8sviz.validate.heads import is_other
from k8sviz.validate.model import FieldPath

__all__ = ["Among", "Runner", "home_of", "pod_spec"]

JSON = Mapping[str, Any]
_TEMPLATES: Final[dict[str, FieldPath]] = {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(
        ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job"), ("spec", "template")
    ),
}


class Runner(NamedTuple):
    """A Pod, or what makes Pods: its name, the Pods' labels, their spec, and where that stands."""

    ref: Ref
    labels: Mapping[str, str]
    spec: JSON
    path: FieldPath
    obj: JSON
    group: str = ""

    @property
    def owned(self) -> bool:
        """Whether a controller made it."""
        return any(flag(owner, "controller") for owner in listed(self.obj, "metadata", "ownerReferences"))


def home_of(obj: JSON) -> str:
    """The namespace as written; '' where none is, and for what lies in none."""
    return text(obj, "metadata", "namespace")


def pod_spec(obj: JSON) -> Runner | None:
    """The Pod spec in an object; None where it has none.

    >>> found = pod_spec({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
    ...                   "spec": {"template": {"spec": {"containers": []}}}})
    >>> str(found.ref), found.path
    ('deployment/web', ('spec', 'template', 'spec'))
    """
    kind = text(obj, "kind")
    if not may_be_own(text(obj, "apiVersion")) or (kind != "Pod" and kind not in _TEMPLATES):
        return None
    path = _TEMPLATES.get(kind, ())
    template = mapping(obj, *map(str, path)) if path else obj
    ref = Ref(kind, text(obj, "metadata", "name"), home_of(obj))
    return Runner(ref, labels_of(template), mapping(template, "spec"), (*path, "spec"), obj)


class Among:
    """What stands beside an object. An object without a namespace goes wherever it is applied: it may be anywhere.

    `objects` come each with its group: files that were found in one folder are one set, those that were named another.
    """

    def __init__(self, objects: Iterable[tuple[JSON, str]]) -> None:
        entries = list(objects)
        self.objects = [obj for obj, _ in entries]
        self._by_kind: defaultdict[str, defaultdict[str, list[JSON]]] = defaultdict(lambda: defaultdict(list))
        self.runners: list[Runner] = []
        self._with_label: defaultdict[tuple[str, str], list[Runner]] = defaultdict(list)
        for obj, group in entries:
            if may_be_own(text(obj, "apiVersion")):
                self._by_kind[text(obj, "kind")][text(obj, "metadata", "name")].append(obj)
            runner = pod_spec(obj)
            if runner is not None:
                runner = runner._replace(group=group)
                self.runners.append(runner)
                for pair in runner.labels.items():
                    self._with_label[pair].append(runner)

    @cached_property
    def has_custom(self) -> bool:
        """Whether there are objects of somebody else's kinds, whose operators may make anything."""
        return any(is_other(obj) or obj.get("kind") == "CustomResourceDefinition" for obj in self.objects)

    @cached_property
    def custom(self) -> set[tuple[str, str]]:
        """API group and plural of each CustomResourceDefinition."""
        return {
            (text(crd, "spec", "group"), text(crd, "spec", "names", "plural"))
            for crd in self.of_kind("CustomResourceDefinition")
        }

    @cached_property
    def named_by_custom(self) -> frozenset[str]:
        """Every text in a custom resource: what an operator may make for it has one of them as its name."""
        found: set[str] = set()
        todo: list[Any] = [obj for obj in self.objects if is_other(obj)]
        while todo:
            value = todo.pop()
            if isinstance(value, str):
                found.add(value)
            elif isinstance(value, Mapping):
                todo += value.values()
            elif isinstance(value, list):
                todo += value
        return frozenset(found)

    def of_kind(self, kind: str) -> Iterator[JSON]:
        """All objects of a kind."""
        for found in self._by_kind.get(kind, {}).values():
            yield from found

    def names(self, kind: str, namespace: str = "") -> list[str]:
        """The names of a kind's objects that are, or may be, in a namespace."""
        return [name for name in self._by_kind.get(kind, {}) if self.find(kind, name, namespace) is not None]

    def find(self, kind: str, name: str, namespace: str = "") -> JSON | None:
        """An object that is, or may be, in this namespace."""
        found = self._called(kind, name)
        if kind in KINDS and not KINDS[kind].namespaced:
            return found[0] if found else None
        return next((obj for obj in found if _together(home_of(obj), namespace)), None)

    def elsewhere(self, kind: str, name: str, namespace: str) -> str:
        """The namespace of an object of this name that is in another one; ''."""
        if self.find(kind, name, namespace) is not None:
            return ""
        return next((home_of(obj) for obj in self._called(kind, name)), "")

    def _called(self, kind: str, name: str) -> list[JSON]:
        return self._by_kind[kind][name] if kind in self._by_kind and name in self._by_kind[kind] else []

    def near(self, namespace: str, group: str) -> list[Runner]:
        """What runs Pods in this namespace, or may, and was found beside."""
        return [r for r in self.runners if r.group == group and _together(r.ref.namespace, namespace)]

    def selected(self, selector: Mapping[str, Any], namespace: str) -> list[Runner]:
        """What runs Pods that have all these labels; nothing for labels that no object can have."""
        if not all(isinstance(value, str) for value in selector.values()):
            return []
        lists = [self._with_label.get((key, value), []) for key, value in selector.items()]
        shortest = min(lists, key=len, default=[])
        return [r for r in shortest if _together(r.ref.namespace, namespace) and selector.items() <= r.labels.items()]


def _together(one: str, other: str) -> bool:
    return not one or not other or one == other
