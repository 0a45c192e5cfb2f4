"""What fails and what waits, without anybody naming an object: each cause once, errors first."""

from __future__ import annotations

import json

import pytest

import k8sviz
from k8sviz.cli import main
from k8sviz.history import About, History
from k8sviz.sources.labs import lab_names
from k8sviz.why import Explanation, explain_snapshot, troubles


def recorded(lab: str) -> History:
    return k8sviz.Lab(lab, source="recorded").history


def waiting_pod(name: str, owner: str = "", namespace: str = "demo") -> dict:
    state = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "busybox:99"'}}
    meta = {"name": name, "namespace": namespace, "uid": name}
    if owner:
        meta["ownerReferences"] = [{"kind": "ReplicaSet", "name": owner, "uid": owner, "controller": True}]
    container = {"name": "app", "image": "busybox:99"}
    status = {"phase": "Pending", "containerStatuses": [{**container, "ready": False, "state": state}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}, "status": status}


def of(*objects: dict) -> History:
    return History.of(objects, About("x", "x", "demo"))


def beneath(explanation: Explanation) -> list[Explanation]:
    return [found for cause in explanation.also for found in (cause, *beneath(cause))]


def test_the_claims_that_wait_at_the_end_of_a_lab() -> None:
    found = k8sviz.troubles("ch06-binding-choice").troubles
    assert [str(trouble.explanation.subject) for trouble in found] == ["pvc/no-such-class", "pvc/wrong-mode"]


@pytest.mark.parametrize("lab", lab_names())
def test_everything_that_is_not_fine_is_told_once(lab: str) -> None:
    history = recorded(lab)
    for step in history.steps:
        snapshot = history.at(history.settled(step.id))
        found = troubles(snapshot)
        held = [one.subject for trouble in found for one in trouble.held]
        tops = [*held, *(ref for trouble in found for ref in (trouble.explanation.subject, *trouble.alike))]
        below = {cause.subject for trouble in found for cause in beneath(trouble.explanation)}
        assert len(tops) == len(set(tops)), step.id
        assert set(explain_snapshot(snapshot)) <= {*tops, *below}, step.id
        roots = [(trouble.explanation.root.subject, trouble.explanation.root.code) for trouble in found]
        assert len(roots) == len(set(roots)), step.id
        errors = [trouble.explanation.error for trouble in found]
        assert errors == sorted(errors, reverse=True), step.id


def test_pods_of_one_controller_with_one_cause_are_one_trouble() -> None:
    history = of(*(waiting_pod(f"web-{i}", "web") for i in range(3)), waiting_pod("alone"))
    found = troubles(history.at())
    assert sorted(len(trouble.alike) for trouble in found) == [0, 2]
    assert "Alike:    pod/web-1, pod/web-2" in str(k8sviz.troubles(history))


def test_another_namespace_is_left_out_when_one_is_named() -> None:
    history = of(waiting_pod("mine"), waiting_pod("theirs", namespace="other"))
    assert len(k8sviz.troubles(history).troubles) == 2
    (found,) = k8sviz.troubles(history, namespace="demo").troubles
    assert found.explanation.subject is not None
    assert found.explanation.subject.name == "mine"


def test_the_notebook_shows_cards_and_escapes_what_a_cluster_says() -> None:
    pod = waiting_pod("p")
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = "<img src=x onerror=alert(1)>"
    html = k8sviz.troubles(of(pod))._repr_mimebundle_()["text/html"]
    assert "pod/p" in html
    assert "<img" not in html


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "ch06-binding-choice"]) == 0
    assert "pvc/wrong-mode: Pending (an error)" in capsys.readouterr().out
    assert main(["why", "ch06-binding-choice", "--json"]) == 0
    subjects = {row["subjectText"] for row in json.loads(capsys.readouterr().out)}
    assert subjects == {"pvc/no-such-class", "pvc/wrong-mode"}
    assert main(["why", "ch06-emptydir"]) == 0
    assert capsys.readouterr().out == "Nothing fails here, and nothing waits.\n"


def test_a_refused_step_is_still_explained_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "ch06-static-binding", "--at", "apply-local-without-affinity"]) == 0
    assert "nodeAffinity" in capsys.readouterr().out
    assert main(["why", "ch06-static-binding", "--at", "pvc-pending"]) == 0
    assert "pvc/demo-pvc: Pending" in capsys.readouterr().out
