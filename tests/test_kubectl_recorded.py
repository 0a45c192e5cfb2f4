"""kubectl's words: whatever recorded commands only asked is printed again from the recorded objects of that moment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from k8sviz.kubectl.prompt import Prompt
from k8sviz.kubectl.target import Moment
from k8sviz.sources.recording import read

LABS = sorted((Path(__file__).parents[1] / "data" / "labs").glob("*/recording.jsonl"))
ASKS = re.compile(r"kubectl (get|describe|rollout history|explain|api-resources|events)\b")
CHANGES = re.compile(
    r"kubectl (apply|create|delete|scale|set|label|annotate|patch|expose|cordon|uncordon|drain|taint|replace|wait|exec|"
    r"logs|run|proxy|rollout (undo|pause|resume|restart|status))|sleep|proxy/|-n default"
)
AGE = re.compile(r"\b\d+(d\d+h|h\d+m|m\d+s|[smhd])\b")


def steps():
    for path in LABS:
        history = read(path)
        for step in history.steps:
            if ASKS.search(step.command) and not CHANGES.search(step.command) and step.result is not None:
                yield pytest.param(history, step, id=f"{path.parent.name}-{step.id}")


def comparable(text: str) -> str:
    """Ages aside, and the columns that they widen."""
    return re.sub(" +", " ", AGE.sub("<age>", text))


@pytest.mark.parametrize(("history", "step"), list(steps()))
def test_prints_what_kubectl_printed(history, step):
    moment = Moment(history.at((step.t + step.result.t) / 2 + 0.02))
    answer = Prompt(moment, namespace=history.about.namespace).run(step.command)
    assert comparable(answer.out) == comparable(step.result.stdout)
    assert comparable(answer.err) == comparable(step.result.stderr)
    assert answer.code == step.result.exit_code
