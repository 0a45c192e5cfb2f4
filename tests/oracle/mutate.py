"""Manifests for `check`: those of the course and made-up ones, each with a mistake or two at a random place.

What is changed and what is put there instead follows the published schemas, so that most mistakes are such that only
the API server's own validation finds them.
"""

from __future__ import annotations

import copy
import functools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from k8sviz.sources.manifests import ManifestError, documents
from k8sviz.validate.published import _published, _target, kinds

__all__ = ["KINDS", "check_case", "seeds"]

JSON = dict[str, Any]

KINDS: Final = (
    "Pod",
    "ConfigMap",
    "Secret",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "StorageClass",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
    "Service",
    "Role",
    "RoleBinding",
    "ServiceAccount",
)
_TEXTS: Final = (
    "",
    "a",
    "web",
    "a b",
    "UPPER",
    "a/b",
    "/abs",
    "../x",
    "a:b",
    "1",
    "x" * 64,
    "-",
    "a.b",
    "80",
    "*",
    "None",
    "50%",
    "a_b",
    "localhost",
    "10.0.0.1",
    "ü",
    "example.com/x",
)
_WHOLE: Final = (0, 1, 2, -1, 5, 80, 511, 512, 70000, 30080, 1000, 600)
_AMOUNTS: Final = ("1Gi", "500m", "0", "-1", "1", 2, "1.5", "1 Gi", "1GB", "", "100Mi", "0.5", "1e3", "1n")
_AMOUNT: Final = ("storage", "cpu", "memory", "divisor", "sizeLimit", "ephemeral-storage")
_NOT_WRITTEN: Final = (
    "uid",
    "managedFields",
    "ownerReferences",
    "selfLink",
    "deletionTimestamp",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "resourceVersion",
)
_DEEPEST: Final = 2


@functools.cache
def seeds() -> tuple[JSON, ...]:
    """The manifests of the labs and exercises."""
    found = []
    for path in sorted((Path(__file__).parents[2] / "data").rglob("*.yaml")):
        try:
            values = [value for value, _ in documents(path.read_text(encoding="utf-8"), path.name)]
        except ManifestError:
            continue
        found += [each for each in values if isinstance(each, dict) and each.get("kind") in KINDS]
    return tuple(each for each in found if (each.get("apiVersion"), each["kind"]) in kinds())


@functools.cache
def _seen() -> dict[str, list[Any]]:
    """Which values the manifests have, by their field's name."""
    found: dict[str, list[Any]] = {}

    def look(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                look(each, key)
        elif isinstance(value, list):
            for each in value:
                look(each, name)
        elif value not in found.setdefault(name, []):
            found[name].append(value)

    for seed in seeds():
        look(seed, "")
    return found


class _Mutator:
    """Changes an object in place."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def places(self, value: Any, definition: str) -> Iterator[tuple[JSON, JSON]]:
        """Every mapping whose type has a name, with its schema."""
        if not isinstance(value, dict):
            return
        schema = _published()["$defs"][definition]
        if schema.get("properties"):
            yield value, schema["properties"]
        for key, each in schema.get("properties", {}).items():
            target, step = _target(each)
            if target and key in value and key != "status":
                for item in value[key] if step and isinstance(value[key], list) else [value[key]]:
                    yield from self.places(item, target)

    def mutate(self, obj: JSON) -> None:
        value, fields = self.random.choice(list(self.places(obj, kinds()[obj["apiVersion"], obj["kind"]])))
        there = [name for name in value if name in fields and name not in ("apiVersion", "kind")]
        other = [name for name in fields if name not in value and name != "status"]
        act = self.random.random()
        if act < 0.15 and there:
            del value[self.random.choice(there)]
        elif act < 0.25 and there:
            name = self.random.choice(there)
            if isinstance(value[name], list) and value[name]:
                value[name].append(copy.deepcopy(self.random.choice(value[name])))
        elif act < 0.6 and there:
            name = self.random.choice(there)
            value[name] = self.made(fields[name], name, 0)
        elif other:
            name = self.random.choice(other)
            value[name] = self.made(fields[name], name, 0)

    def made(self, schema: JSON, name: str, depth: int) -> Any:
        """A value of a field's type, as others have it or stranger."""
        if "$ref" in schema:
            target = schema["$ref"].removeprefix("#/$defs/")
            return (
                self.mapping(target, depth) if self.fields(target) else self.leaf(_published()["$defs"][target], name)
            )
        if schema.get("type") == "array":
            return [self.made(schema["items"], name, depth) for _ in range(self.random.choice((0, 1, 1, 2)))]
        if schema.get("type") == "object":
            of = schema.get("additionalProperties")
            keys = self.random.sample(("app", "cpu", "memory", "storage", "a b", "tier"), self.random.randint(0, 2))
            return {key: self.made(of if isinstance(of, dict) else {"type": "string"}, key, depth) for key in keys}
        return self.leaf(schema, name)

    def fields(self, definition: str) -> JSON:
        found: JSON = _published()["$defs"][definition].get("properties", {})
        return found

    def mapping(self, definition: str, depth: int) -> JSON:
        fields = self.fields(definition)
        required = _published()["$defs"][definition].get("required", [])
        chosen = [name for name in required if self.random.random() < 0.95]
        rest = [name for name in fields if name not in required]
        if depth < _DEEPEST and rest:
            chosen += self.random.sample(rest, min(len(rest), self.random.choice((0, 1, 1, 2))))
        return {name: self.made(fields[name], name, depth + 1) for name in chosen}

    def leaf(self, schema: JSON, name: str) -> Any:
        wanted = schema.get("type")
        if name in _AMOUNT:
            return self.random.choice(_AMOUNTS)
        seen = _seen().get(name, [])
        if seen and self.random.random() < 0.5:
            return self.random.choice(seen)
        if wanted == "boolean":
            return self.random.random() < 0.5
        if wanted in ("integer", "number"):
            return self.random.choice(_WHOLE)
        if isinstance(wanted, list):
            return self.random.choice((*_WHOLE, *_TEXTS, *_AMOUNTS))
        return self.random.choice(_TEXTS)


def check_case(seed: str, made: list[JSON]) -> JSON:
    """One manifest, as it is or with up to two changes; `made` are manifests besides those of the course."""
    mutator = _Mutator(seed)
    obj = copy.deepcopy(mutator.random.choice([*seeds(), *made]))
    for _ in range(mutator.random.choice((0, 1, 1, 1, 2))):
        mutator.mutate(obj)
    for name in _NOT_WRITTEN:
        obj.get("metadata", {}).pop(name, None)
    return {"id": f"check-{seed}", "kind": "check", "objects": [obj]}
