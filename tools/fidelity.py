"""Counts how many of a real cluster's answers (tests/cases) the predictions give exactly; fails on any miss."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from k8sviz.predict import predict_binding, predict_environment, predict_files

__all__ = ["main", "misses"]

_CASES: Final = Path(__file__).resolve().parents[1] / "tests" / "cases"


def _binding(case: dict[str, Any]) -> tuple[Any, Any]:
    return predict_binding([*case["volumes"], *case["claims"]]).to_json()["bound"], case["bound"]


def _environment(case: dict[str, Any]) -> tuple[Any, Any]:
    found = predict_environment([*case["objects"], case["pod"]]).to_json()
    return found, {case["pod"]["metadata"]["name"]: {"main": case["env"]}}


def _files(case: dict[str, Any]) -> tuple[Any, Any]:
    found = predict_files([*case["objects"], case["pod"]]).to_json()
    return found, {case["pod"]["metadata"]["name"]: {"main": case["files"]}}


_KINDS: Final[dict[str, Callable[[dict[str, Any]], tuple[Any, Any]]]] = {
    "binding": _binding,
    "env": _environment,
    "files": _files,
}


def misses(kind: str, cases: list[dict[str, Any]]) -> list[str]:
    """The ids of the cases whose answer is another than the cluster's."""
    answers = {case["id"]: _KINDS[kind](case) for case in cases}
    return [name for name, (found, recorded) in answers.items() if found != recorded]


def main(folder: Path = _CASES) -> int:
    """Print a line a kind; returns 1 when a case was missed."""
    failed = False
    for kind in _KINDS:
        cases = json.loads((folder / f"{kind}.json").read_text(encoding="utf-8"))
        missed = misses(kind, cases)
        failed = failed or bool(missed)
        named = f"; not: {', '.join(missed)}" if missed else ""
        print(f"{kind:8} {len(cases) - len(missed):3} of {len(cases):3} predicted exactly{named}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
