"""Writes k8sviz/validate/kubernetes.json: Kubernetes' published schemas, cut down to what the course validates.

    python -m pip install kubernetes-validate==1.36.0
    python tools/schemas.py 1.36

The schemas are the API server's own OpenAPI, as the package kubernetes-validate carries it. Descriptions go, the
stable kinds stay. That package is no dependency, since it brings 17,000 files (72 MB) for all versions.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

__all__ = ["main", "shrunk"]

_TARGET: Final = Path(__file__).resolve().parents[1] / "k8sviz" / "validate" / "kubernetes.json"
_KEPT: Final = ("properties", "required", "items", "additionalProperties", "format")
_GROUPS: Final = (
    "",
    "apps",
    "batch",
    "storage.k8s.io",
    "rbac.authorization.k8s.io",
    "discovery.k8s.io",
    "networking.k8s.io",
    "policy",
    "autoscaling",
    "scheduling.k8s.io",
    "node.k8s.io",
    "admissionregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "events.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "resource.k8s.io",
)
_STABLE: Final = ("v1", "v2")
# not things that people write
_LEFT_OUT: Final = ("List", "Options", "Status", "WatchEvent", "APIGroup", "APIVersions", "Scale", "Eviction")
_OPAQUE: Final = "JSONSchemaProps"  # a schema of somebody else's kind: of any depth, and taken as it is
_PREFIX: Final = "#/$defs/"


def main() -> int:
    """Read the installed package, write the file; returns the exit code."""
    parser = argparse.ArgumentParser(description="write the schemas that k8sviz validates manifests with")
    parser.add_argument("version", help="the minor version of Kubernetes, for example 1.36")
    version = parser.parse_args().version
    found = importlib.util.find_spec("kubernetes_validate")
    if found is None or found.origin is None:
        print(f"schemas: install it first: python -m pip install kubernetes-validate=={version}.0", file=sys.stderr)
        return 2
    folder = Path(found.origin).parent / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    definitions = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))["$defs"]
    written = json.dumps(shrunk(definitions, version), separators=(",", ":"), sort_keys=True)
    _TARGET.write_text(written + "\n", encoding="utf-8")
    print(f"wrote {_TARGET} ({len(written):,} bytes)")
    return 0


def shrunk(definitions: dict[str, Any], version: str) -> dict[str, Any]:
    """The version, which definition each apiVersion and kind has, and the definitions that these need."""
    every = {f"{api}/{kind}": name for name, found in definitions.items() for api, kind in _kinds(found)}
    kinds = {each: name for each, name in every.items() if each.split("/")[-2] in _STABLE}
    needed: dict[str, Any] = {}
    todo = sorted(kinds.values())
    while todo:
        name = todo.pop()
        if name not in needed:
            needed[name] = {"type": "object"} if name.endswith(_OPAQUE) else _plain(definitions[name])
            todo += _references(needed[name])
    source = "https://github.com/kubernetes/kubernetes, api/openapi-spec/swagger.json, shortened"
    head = {"version": version, "source": source, "license": "Apache-2.0"}
    return {**head, "kinds": kinds, "unstable": sorted(every.keys() - kinds.keys()), "$defs": needed}


def _kinds(definition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for found in definition.get("x-kubernetes-group-version-kind", ()):
        group, version, kind = found["group"], found["version"], found["kind"]
        if group in _GROUPS and not kind.endswith(_LEFT_OUT):
            yield (f"{group}/{version}" if group else version), kind


def _plain(schema: Any) -> dict[str, Any]:
    """A schema without its prose. A null counts as a field that is not there, so no schema has to allow it."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"].replace(".json#", "#")}
    if "oneOf" in schema:
        return {"type": sorted({kind for one in schema["oneOf"] for kind in _types(one)})}
    plain: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    types = _types(schema)
    if types:
        plain["type"] = types[0] if len(types) == 1 else types
    if "properties" in plain:
        plain["properties"] = {name: _plain(each) for name, each in plain["properties"].items()}
        plain.setdefault("type", "object")
    for key in ("items", "additionalProperties"):
        if isinstance(plain.get(key), dict):
            plain[key] = _plain(plain[key])
    return plain


def _types(schema: dict[str, Any]) -> list[str]:
    found = schema.get("type", [])
    return [kind for kind in ([found] if isinstance(found, str) else found) if kind != "null"]


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(_PREFIX)
        for value in schema.values():
            yield from _references(value)


if __name__ == "__main__":
    sys.exit(main())
