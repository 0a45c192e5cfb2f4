"""docs/reasons.md: each reason and condition of the areas of the course, with the rule that reads it.

The names stand in tools/reasons.toml, by area, as they were found in Kubernetes' source. Which rule reads a name is
not claimed there but looked up: a module of k8sviz/why, or of the rules that are there for it alone, reads it when
the name stands in its code.

    python tools/reasons.py                     write docs/reasons.md
    python tools/reasons.py --collect DIRECTORY names in a checkout of k8s.io/kubernetes that the table lacks
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tools" / "reasons.toml"
TABLE = ROOT / "docs" / "reasons.md"
ROOM = ROOT / "k8sviz" / "why"
RULES = tuple(ROOT / "k8sviz" / "rules" / f"{name}.py" for name in ("growth", "unschedulable"))

# where Kubernetes names its reasons: files of constants, and folders whose Events are written with the name itself
_CONSTANTS: Final = (
    "pkg/kubelet/events/event.go",
    "pkg/controller/volume/events/event.go",
    "pkg/controller/controller_utils.go",
)
_ERRORS: Final = ("pkg/kubelet/container/sync_result.go", "pkg/kubelet/images/types.go")
_FOLDERS: Final = (
    "pkg/controller/volume",
    "pkg/controller/statefulset",
    "pkg/controller/deployment",
    "pkg/controller/replicaset",
    "pkg/controller/disruption",
    "pkg/controller/tainteviction",
    "pkg/controller/nodelifecycle",
    "pkg/scheduler",
    "pkg/kubelet",
)
_CONSTANT: Final = re.compile(r'^\s+\w+\s+(?:\w+\s+)?= "([A-Z][A-Za-z0-9]+)"', re.MULTILINE)
_ERROR: Final = re.compile(r'errors\.New\("([A-Z][A-Za-z0-9]+)"\)')
_WRITTEN: Final = re.compile(r'v1\.EventType(?:Normal|Warning),\s*"([A-Z][A-Za-z0-9]+)"')


class Named(NamedTuple):
    """One reason: its area, what it is (Event, condition, state), its name and who says it."""

    area: str
    what: str
    name: str
    by: str


def named() -> list[Named]:
    """The names of the table, in its order."""
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
    return [
        Named(area["title"], what, name, area["by"])
        for area in data["area"]
        for what in ("event", "condition", "state")
        for name in area.get(what, [])
    ]


def readers() -> dict[str, list[str]]:
    """For each text in the code of `why` and its rules the modules where it stands."""
    found: dict[str, list[str]] = {}
    for path in (*sorted(ROOM.rglob("*.py")), *RULES):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for word in dict.fromkeys(_words(ast.parse(path.read_text(encoding="utf-8")))):
            found.setdefault(word, []).append(module.removesuffix(".__init__"))
    return found


def _words(tree: ast.Module) -> Iterator[str]:
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def page() -> str:
    """The table as Markdown."""
    by_word, rows, unread = readers(), [], []
    area = ""
    for one in named():
        if one.area != area:
            area = one.area
            rows += ["", f"## {area}", "", f"Said by: {one.by}", "", "| what | name | read by |", "|---|---|---|"]
        modules = by_word.get(one.name, [])
        rows.append(f"| {one.what} | `{one.name}` | {', '.join(f'`{m}`' for m in modules) or '–'} |")
        if not modules:
            unread.append(one)
    return "\n".join([*_HEAD, *rows, "", *_foot(unread), ""])


_HEAD: Final = (
    "# Reasons, and the rule that reads each",
    "",
    "Kubernetes says why in the reasons of Events, in conditions and in container states. This table has those of",
    "storage, configuration, scheduling, rollouts, StatefulSets and the kubelet, as they stand in the source of",
    "Kubernetes v1.36 and of the CSI sidecars, each with the modules of `k8sviz` that read it. It is made by",
    "`python tools/reasons.py`; `why` shows an Event that no rule reads as it is, and explains the object without it.",
)


def _foot(unread: list[Named]) -> list[str]:
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(one.name for one in unread))
    count = f"Of {len(named())} names {len(unread)} are read by no rule"
    return ["## Read by no rule", "", f"{count}: {names}."]


def collected(source: Path) -> set[str]:
    """The names that a checkout of k8s.io/kubernetes has in these areas."""
    found: set[str] = set()
    for name in _CONSTANTS:
        found |= set(_CONSTANT.findall((source / name).read_text(encoding="utf-8")))
    for name in _ERRORS:
        found |= set(_ERROR.findall((source / name).read_text(encoding="utf-8")))
    for folder in _FOLDERS:
        for path in (source / folder).rglob("*.go"):
            if not path.name.endswith("_test.go"):
                found |= set(_WRITTEN.findall(path.read_text(encoding="utf-8")))
    return found


def main(argv: list[str] | None = None) -> int:
    """Write the table, or say what it lacks; 1 when it lacks something."""
    parser = argparse.ArgumentParser(description="the table of reasons in docs/reasons.md")
    parser.add_argument("--collect", type=Path, metavar="DIRECTORY", help="a checkout of k8s.io/kubernetes")
    options = parser.parse_args(argv)
    if options.collect is None:
        TABLE.write_text(page(), encoding="utf-8")
        print(f"wrote {TABLE.relative_to(ROOT)}")
        return 0
    lacks = sorted(collected(options.collect) - {one.name for one in named()})
    print("\n".join(lacks) or "the table has them all")
    return 1 if lacks else 0


if __name__ == "__main__":
    sys.exit(main())
