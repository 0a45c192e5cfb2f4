"""What the API server says beside a request that succeeded (pkg/api/pod/warnings.go, and deprecations)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8sviz.rules.fields import listed, mapped, mapping, text

__all__ = ["warnings"]

JSON = Mapping[str, Any]


def warnings(obj: JSON) -> Iterator[str]:
    """The warnings of an object that is created or changed.

    >>> pod = {"kind": "Pod", "spec": {"volumes": [{"name": "a", "gitRepo": {"repository": "r"}}]}}
    >>> list(warnings(pod))
    ['spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+']
    """
    if obj.get("kind") == "Pod":
        yield from _pod(mapping(obj, "spec"), "spec")
    elif mapped(obj, "spec", "template", "spec") is not None:
        yield from _pod(mapping(obj, "spec", "template", "spec"), "spec.template.spec")
    elif obj.get("kind") == "Endpoints":
        yield "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"


def _pod(spec: JSON, path: str) -> Iterator[str]:
    for i, volume in enumerate(listed(spec, "volumes")):
        if mapped(volume, "gitRepo") is not None:
            yield f"{path}.volumes[{i}].gitRepo: deprecated in v1.11, and disabled by default in v1.33+"
    for part in ("initContainers", "containers"):
        for i, container in enumerate(listed(spec, part)):
            yield from _variables(container, f"{path}.{part}[{i}]")


def _variables(container: JSON, path: str) -> Iterator[str]:
    seen: set[str] = set()
    for i, variable in enumerate(listed(container, "env")):
        name = text(variable, "name")
        if name in seen:
            yield f'{path}.env[{i}]: hides previous definition of "{name}", which may be dropped when using apply'
        seen.add(name)
