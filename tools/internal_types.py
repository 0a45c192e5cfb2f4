"""Writes k8sviz/cluster/internal.json: the fields of Pods' and claims' specs as Kubernetes' internal types have them.

    python tools/internal_types.py $(go env GOMODCACHE)/k8s.io/kubernetes@v1.36.2/pkg/apis/core/types.go

The API server shows a refused change of such a spec as a difference of these types, written as JSON.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

__all__ = ["main", "table"]

_TARGET: Final = Path(__file__).resolve().parents[1] / "k8sviz" / "cluster" / "internal.json"
_ROOTS: Final = ("PodSpec", "PersistentVolumeClaimSpec")
_STRUCT: Final = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_ALIAS: Final = re.compile(r"^type (\w+) (\w+|map\[.*)$", re.MULTILINE)
_FIELD: Final = re.compile(r"^\t(?:(\w+)[ \t]+)?([\[\]*\w.]+)(?:[ \t]+`.*`)?[ \t]*(?://.*)?$")
_ZERO: Final = {"string": "", "bool": False, "int": 0, "int32": 0, "int64": 0}


def main() -> int:
    """Read types.go, write the file; returns the exit code."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    found = table(Path(sys.argv[1]).read_text(encoding="utf-8"))
    _TARGET.write_text(json.dumps(found, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")
    print(f"wrote {_TARGET} ({len(found)} types)")
    return 0


def table(source: str) -> dict[str, list[list[Any]]]:
    """Each struct that the specs need: its fields as [name, the struct it holds or '', what stands for nothing]."""
    structs = dict(_STRUCT.findall(source))
    aliases = dict(_ALIAS.findall(source))
    needed: dict[str, list[list[Any]]] = {}
    todo = list(_ROOTS)
    while todo:
        name = todo.pop()
        if name in needed:
            continue
        needed[name] = _fields(structs[name], structs, aliases)
        todo += [inner for _, inner, _ in needed[name] if inner]
    return needed


def _fields(body: str, structs: dict[str, str], aliases: dict[str, str]) -> list[list[Any]]:
    found: list[list[Any]] = []
    for line in body.splitlines():
        field = _FIELD.match(line)
        if field is None:
            continue
        name, kind = field.group(1), field.group(2)
        if name is None:  # embedded: its fields stand here
            found += _fields(structs.get(kind, ""), structs, aliases)
            continue
        inner = kind.lstrip("[]*")
        nothing: Any = None
        if not kind.startswith(("*", "[", "map")):
            plain = aliases.get(kind, kind)
            nothing = None if plain.startswith("map") else _ZERO.get(plain, {} if inner in structs else "")
        found.append([name, inner if inner in structs else "", nothing])
    return found


if __name__ == "__main__":
    sys.exit(main())
