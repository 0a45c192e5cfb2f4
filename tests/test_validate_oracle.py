"""`check` must judge as Kubernetes' own API server did (tests/oracle, v1.36.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8sviz.validate import problems, published
from k8sviz.validate.published import kinds, without_nulls
from tests.oracle.compare import differences, read_lines

ORACLE = Path(__file__).parent / "oracle"


def asked() -> list[Any]:
    cases, answers = (read_lines(ORACLE / f"check.{name}.jsonl") for name in ("cases", "answers"))
    return [pytest.param(case, answer, id=case["id"]) for case, answer in zip(cases, answers, strict=True)]


@pytest.mark.parametrize(("case", "answer"), asked())
def test_check_is_as_strict_as_the_oracle(case: dict[str, Any], answer: dict[str, Any]) -> None:
    assert case["id"] == answer["id"]
    assert differences(case, [answer]) == []


@pytest.mark.parametrize(("case", "answer"), asked())
def test_every_message_names_a_field_and_what_to_write(case: dict[str, Any], answer: dict[str, Any]) -> None:
    for problem in problems(case["objects"][0]):
        assert problem.path
        assert "{" not in str(problem).replace("emptyDir: {}", "")
        assert str(problem).endswith((".", "?"))


def test_a_quick_yes_is_a_yes_of_jsonschemas() -> None:
    quick = 0
    for case, _ in (param.values for param in asked()):
        for obj in case["objects"]:
            definition = kinds().get((obj.get("apiVersion"), obj.get("kind"))) if isinstance(obj, dict) else None
            plain = without_nulls(obj)
            if definition and published._sound()(plain, definition):
                quick += 1
                assert not list(published._validator(definition).iter_errors(plain)), obj
    assert quick > 100
