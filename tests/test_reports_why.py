"""Situations that people reported: `why` tells the true cause and the remedy, and nothing that sends one astray."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import k8sviz
from k8sviz.history import About, History
from k8sviz.kinds import parse_ref

REPORTS = Path(__file__).parent / "reports"
KINDS = tomllib.loads((REPORTS / "kinds.toml").read_text(encoding="utf-8"))["case"]
CASES = tomllib.loads((REPORTS / "why.toml").read_text(encoding="utf-8"))["case"]


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def compare(case: dict[str, Any], told: str) -> None:
    for words in case.get("says", []):
        assert one_line(words).lower() in told.lower(), f"says nothing of {words!r}: {told}"
    for words in case.get("never", []):
        assert one_line(words).lower() not in told.lower(), f"says {words!r}: {told}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(filter(None, (case["file"], case.get("ask", "")))))
def test_the_true_cause(case: dict[str, Any]) -> None:
    source = REPORTS / f"{case['file']}.yaml"
    shown = k8sviz.why(case["ask"], source) if "ask" in case else k8sviz.troubles(source)
    compare(case, one_line(str(shown)))
    if "heads" in case:
        heads = [trouble.explanation.subject_text for trouble in k8sviz.troubles(source).troubles]
        assert heads == case["heads"]


@pytest.mark.parametrize("case", KINDS, ids=lambda case: case["name"])
def test_the_true_cause_of_its_kind(case: dict[str, Any]) -> None:
    objects = yaml.safe_load(case["yaml"])
    history = History.of(objects, About("x", "x", objects[-1]["metadata"].get("namespace", "")))
    history.partial = True
    told = one_line(str(k8sviz.why(case["ask"], history) if "ask" in case else k8sviz.troubles(history)))
    compare(case, told)
    if "heads" in case:
        heads = [trouble.explanation.subject_text for trouble in k8sviz.troubles(history).troubles]
        assert heads == case["heads"]


@pytest.mark.parametrize("path", sorted(REPORTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_root_is_listed_once_and_every_object_answers(path: Path) -> None:
    found = k8sviz.troubles(path).troubles
    roots = [(trouble.explanation.root.subject, trouble.explanation.root.code) for trouble in found]
    assert len(roots) == len(set(roots))
    assert all(trouble.explanation.chain[0] is trouble.explanation for trouble in found)
    for trouble in found:
        json.dumps(trouble.to_json())
        assert parse_ref(str(trouble.explanation.subject)).kind
