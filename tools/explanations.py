"""Writes k8sviz/kubectl/explanations.json.gz: what `kubectl explain` says, from Kubernetes' published OpenAPI.

    python -m tools.explanations PATH/api/openapi-spec/swagger.json

Only the stable kinds of the groups that the course's schemas have; each field with its type and description.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any, Final

from tools.schemas import _GROUPS, _LEFT_OUT

__all__ = ["main"]

_TARGET: Final = Path(__file__).resolve().parents[1] / "k8sviz" / "kubectl" / "explanations.json.gz"
_PREFIX: Final = "#/definitions/"


def main() -> int:
    """Read the swagger file, write ours; returns the exit code."""
    parser = argparse.ArgumentParser(description="write what kubectl explain says")
    parser.add_argument("swagger", type=Path)
    definitions = json.loads(parser.parse_args().swagger.read_text(encoding="utf-8"))["definitions"]
    kinds = {
        (f"{found['group']}/" if found["group"] else "") + f"{found['version']}/{found['kind']}": name
        for name, definition in definitions.items()
        for found in definition.get("x-kubernetes-group-version-kind", ())
        if found["version"] in ("v1", "v2") and found["group"] in _GROUPS and not found["kind"].endswith(_LEFT_OUT[:2])
    }
    types: dict[str, Any] = {}
    todo = list(kinds.values())
    while todo:
        name = todo.pop()
        if name not in types:
            types[name], inner = _shortened(definitions[name])
            todo += inner
    written = json.dumps(
        {"license": "Apache-2.0", "kinds": kinds, "types": types}, separators=(",", ":"), sort_keys=True
    )
    _TARGET.write_bytes(gzip.compress(written.encode(), 9, mtime=0))
    print(f"wrote {_TARGET} ({_TARGET.stat().st_size:,} bytes)")
    return 0


def _shortened(definition: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A type's description and fields: [type, description, required, what it holds, the values of an enumeration]."""
    required = definition.get("required", ())
    fields: dict[str, Any] = {}
    inner: list[str] = []
    for name, schema in definition.get("properties", {}).items():
        shown, held = _type(schema)
        inner += [held] if held else []
        fields[name] = [shown, schema.get("description", ""), name in required, held, schema.get("enum", [])]
    shown = "" if definition.get("properties") else _type(definition)[0]
    return {"description": definition.get("description", ""), "fields": fields, "type": shown}, inner


def _type(schema: dict[str, Any]) -> tuple[str, str]:
    """A type as kubectl shows it, and the definition that it leads to."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_PREFIX)
        return name.rpartition(".")[2], name
    if schema.get("type") == "array":
        shown, held = _type(schema["items"])
        return f"[]{shown}", held
    if isinstance(schema.get("additionalProperties"), dict):
        shown, held = _type(schema["additionalProperties"])
        return f"map[string]{shown}", held
    return schema.get("type", "Object"), ""


if __name__ == "__main__":
    raise SystemExit(main())
