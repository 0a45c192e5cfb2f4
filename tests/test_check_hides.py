"""check never says what stands in a Secret, whatever is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from k8sviz.validate import check_files, check_text, problems

ATTACKS = Path(__file__).parent / "attacks"
MARK = "hunter2 märker!"
WRONG: dict[str, dict[str, Any]] = {
    "not base64": {"data": {"a": MARK}},
    "base64 with a blank": {"data": {"a": f"aHVudGVyMg== {MARK}"}},
    "a long value": {"data": {"a": MARK + "x" * 200}},
    "a key": {"data": {MARK: "eA=="}},
    "a key of stringData": {"stringData": {MARK: "x", f"{MARK}/b": "y"}},
    "a list": {"data": [MARK]},
    "a mapping as value": {"stringData": {"a": {"b": MARK}}},
    "a list as value": {"data": {"a": [MARK, MARK]}},
    "text for data": {"data": MARK},
    "a field that is none": {"value": MARK},
    "a field that is nearly one": {"stringdata": {"a": MARK}},
    "a field below metadata": {"metadata": {"name": "s", "annotation": {"a": MARK}}},
    "an annotation's name": {"metadata": {"name": "s", "annotations": {MARK: "x"}}},
    "an annotation": {"metadata": {"name": "s", "annotations": {"a": {"b": MARK}}}},
    "a type": {"type": {"a": MARK}},
    "immutable": {"immutable": {"a": MARK}},
    "a spec": {"spec": {"containers": [{"name": MARK}]}},
    "a whole number": {"data": {"a": 8675309}},
    "a small number": {"stringData": {"pin": 42}},
    "yes": {"stringData": {"a": 3.14159}},
}


@pytest.mark.parametrize("case", WRONG)
def test_no_finding_holds_what_a_secret_holds(case: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **WRONG[case]}
    report = check_text(json.dumps(secret, indent=1))
    assert report.findings, "something is wrong with each of these"
    told = f"{report}{json.dumps(report.to_json(), ensure_ascii=False)}{[str(p) for p in problems(secret)]}"
    for value in ("hunter2", "märker", "8675309", '"42', "3.14"):
        assert value not in told


@pytest.mark.parametrize("name", ["badsec.json", "badsec2.yaml", "badsec4.yaml"])
def test_the_files_that_showed_values_show_none(name: str) -> None:
    try:
        told = str(check_files([ATTACKS / name]))
    except Exception as error:
        told = str(error)
    assert told
    assert "hunter2" not in told
    assert "aHVudGVy" not in told


def test_an_update_of_a_secret_says_no_value() -> None:
    one = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "immutable": True,
        "data": {"a": "aHVudGVyMg=="},
    }
    two = {**one, "data": {"a": "bWFya2Vy"}}
    told = str(check_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [one, two]})))
    assert "immutable" in told
    assert "aHVudGVy" not in told
    assert "bWFya2Vy" not in told


def test_a_config_map_still_shows_what_is_wrong() -> None:
    assert '"no' in str(
        check_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\nbinaryData: {a: 'no base64'}")
    )
