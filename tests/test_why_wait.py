"""`why --wait`: 0 when all is well, 1 at a cause that cannot heal by itself, 3 when time is over."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import k8sviz
from k8sviz.cli import main
from k8sviz.history import About, History
from k8sviz.kinds import Ref
from k8sviz.why.healing import NEEDS_SOMEBODY, judge, wait_in
from k8sviz.words import templates

REPORTS = Path(__file__).parent / "reports"


def pod(**status: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "busybox", "envFrom": [{"secretRef": {"name": "login"}}]}
    meta = {"name": "web", "namespace": "demo", "uid": "u"}
    spec = {"nodeName": "n1", "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status}


def lacking() -> dict[str, Any]:
    state = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "login" not found'}}
    return pod(phase="Pending", containerStatuses=[{"name": "main", "state": state}])


READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


def lived(*moments: tuple[float, dict[str, Any]]) -> History:
    history = History(About("x", "x", "demo"))
    for i, (t, obj) in enumerate(moments):
        history.append(t, "MODIFIED" if i else "ADDED", obj)
    return history


def waited(history: History, timeout: float = 100.0) -> str:
    return wait_in(history, Ref("Pod", "web", "demo"), 0.0, timeout, history.times())[0]


def test_what_is_well_is_not_waited_for() -> None:
    assert waited(lived((0.0, pod(**READY)))) == "well"


def test_a_secret_that_comes_within_seconds_is_waited_for() -> None:
    assert waited(lived((0.0, lacking()), (2.0, pod(**READY)))) == "well"


def test_a_secret_that_does_not_come_ends_the_waiting_before_the_time_is_over() -> None:
    assert waited(lived((0.0, lacking()), (30.0, lacking()), (50.0, pod(**READY)))) == "cannot-heal"
    assert waited(lived((0.0, lacking()))) == "cannot-heal"


def test_what_only_waits_is_waited_for_until_the_time_is_over() -> None:
    starting = pod(
        phase="Pending", containerStatuses=[{"name": "main", "state": {"waiting": {"reason": "ContainerCreating"}}}]
    )
    starting["spec"]["containers"][0].pop("envFrom")
    assert waited(lived((0.0, starting), (50.0, pod(**READY)))) == "well"
    assert waited(lived((0.0, starting), (50.0, pod(**READY))), timeout=20.0) == "time-over"


def test_an_object_that_is_not_there_is_waited_for() -> None:
    assert waited(lived((10.0, pod(**READY)))) == "well"
    assert waited(lived((10.0, pod(**READY))), timeout=5.0) == "time-over"


def test_every_code_that_needs_somebody_is_one_of_why() -> None:
    known = {code for table in templates("why").values() for code, words in table.items() if isinstance(words, dict)}
    assert known >= NEEDS_SOMEBODY


@pytest.mark.parametrize(
    ("name", "what", "code"),
    [
        ("39b-command-hidden", "pod/app", 1),
        ("17-secret-in-other-namespace", "pod/contour-1", 1),
        ("03-multi-attach-rollout", "deploy/wiki", 1),
        ("43b-wffc-insufficient-cpu", "pod/big", 3),
        ("07-fs-resize-pending", "pvc/milvus-data", 3),
        ("54-service-two-deployments", "deploy/ui", 0),
    ],
)
def test_the_exit_code(name: str, what: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", what, "-f", str(REPORTS / f"{name}.yaml"), "--wait", "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == {0: "well", 1: "cannot-heal", 3: "time-over"}[code]


def test_a_recorded_rollout_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "pvc/demo-pvc", "ch06-static-binding", "--at", "apply-pvc", "--wait"]) in (0, 1)
    assert re.search(r"pvc/demo-pvc", capsys.readouterr().out)


def test_it_waits_for_one_named_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "ch06-static-binding", "--wait"]) == 2
    assert "which object" in capsys.readouterr().err


def test_what_is_well_with_a_warning_is_well() -> None:
    found = k8sviz.why("deploy/lake", REPORTS / "54-service-two-deployments.yaml").explanation
    assert (found.level, judge(found)) == ("warning", "well")
