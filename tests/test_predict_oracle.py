"""The predictions must answer as Kubernetes' own code did (tests/oracle: the controller and the kubelet, v1.36.2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.compare import differences, read_lines

ORACLE = Path(__file__).parent / "oracle"


def asked():
    both = zip(read_lines(ORACLE / "cases.jsonl"), read_lines(ORACLE / "answers.jsonl"), strict=True)
    return [pytest.param(case, answer, id=case["id"]) for case, answer in both if not answer.get("refused")]


@pytest.mark.parametrize(("case", "answer"), asked())
def test_prediction_is_the_oracles_answer(case, answer):
    assert case["id"] == answer["id"]
    assert differences(case, [answer]) == []


def test_most_cases_are_such_that_the_api_server_takes():
    assert len(asked()) > 70
