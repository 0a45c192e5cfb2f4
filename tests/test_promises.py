"""Each step of a lab says what it waits for on a cluster: what the recording shows when it went on, and no less."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8sviz.history import History
from k8sviz.sources.labs import lab_names, load_lab
from k8sviz.sources.live import Cluster, RefusedError
from k8sviz.sources.promises import changed, goes_on, look, unmet
from k8sviz.sources.recording import read
from k8sviz.sources.strangers import strangers


@pytest.mark.parametrize("lab", lab_names())
def test_a_promise_holds_when_the_recording_went_on_and_not_before(lab: str) -> None:
    spec = load_lab(lab)
    history = read(spec.recording)
    for step in spec.steps:
        assert unmet(step.waits, history.at(history.settled(step.id))) == [], step.id
        before = history.at(history.step(step.id).t - 1e-6)
        if step.waits and look(before) != look(history.at(history.settled(step.id))):
            fewer = any("×" not in row and not row.endswith("gone") for row in step.waits)
            assert unmet(step.waits, before) or fewer, step.id


@pytest.mark.parametrize(
    ("lab", "step", "row"),
    [
        ("ch06-emptydir", "crash-container", "pod/fortune: Running, ready, RESTARTS 1"),
        ("ch07-configmap-env", "apply-missing", "pod/waits-for-config: CreateContainerConfigError"),
        ("ch09-pause-resume", "update-and-pause", "pod/kubia-*: Running, ready ×5"),
        ("ch10-node-failure", "node-down", "node/k8sviz-worker2: Ready Unknown"),
        ("ch06-emptydir", "delete-pod", "pod/fortune: gone"),
    ],
)
def test_what_the_texts_rest_on_is_waited_for(lab: str, step: str, row: str) -> None:
    assert row in load_lab(lab).step(step).waits


def test_where_the_recording_went_on_midway_so_does_a_live_lab() -> None:
    midway = {(lab, step.id) for lab in lab_names() for step in load_lab(lab).steps if step.goes_on is not None}
    assert ("ch09-rolling-update", "undo") in midway
    assert ("ch09-undo-midway", "apply-v2") in midway
    assert ("ch09-rolling-update", "history") not in midway
    assert ("ch06-emptydir", "crash-container") not in midway
    assert ("ch10-identity", "scale-down") not in midway


def pod(name: str, restarts: int = 0) -> dict:
    status = {"name": "main", "restartCount": restarts, "ready": True, "state": {"running": {}}}
    ready = {"type": "Ready", "status": "True"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "demo"},
        "status": {"phase": "Running", "containerStatuses": [status], "conditions": [ready]},
    }


def test_more_restarts_than_promised_are_no_less_and_fewer_are() -> None:
    promise = ["pod/a: Running, ready, RESTARTS 2"]
    assert unmet(promise, History.of([pod("a", 1)]).at()) == promise
    assert unmet(promise, History.of([pod("a", 2)]).at()) == []
    assert unmet(promise, History.of([pod("a", 3)]).at()) == []


def test_counts_and_what_went() -> None:
    history = History()
    history.append(0.0, "ADDED", pod("a"))
    assert unmet(["pod/b: gone", "pod/a: Running, ready"], history.at()) == []
    assert unmet(["pod/a: gone"], history.at()) == ["pod/a: gone"]
    assert unmet(["pod/a: Running, ready ×2"], history.at()) == ["pod/a: Running, ready ×2"]


def test_a_step_without_a_result_or_an_end_promises_nothing_wrong(tmp_path: Path) -> None:
    rows = '{"format": "k8sviz.recording/v1", "name": "x"}\n{"t": 1, "type": "STEP", "id": "a", "command": "true"}\n'
    file = tmp_path / "r.jsonl"
    file.write_text(rows, encoding="utf-8")
    history = read(file)
    assert (changed(history, "a"), goes_on(history, "a")) == ((), None)


class Others(Cluster):
    """A cluster that others use too: it only lists."""

    def __init__(self, **items: list[dict]) -> None:
        self.items = items

    def get(self, path: str, **_: object) -> dict:
        plural = path.rsplit("/", 1)[-1]
        if plural not in self.items:
            raise RefusedError(403, "no", path)
        return {"items": self.items[plural]}


def claim(name: str, namespace: str, size: str = "1Gi", phase: str = "Pending") -> dict:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, "storageClassName": ""}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec, "status": {"phase": phase}}


def test_a_claim_of_others_that_would_take_the_labs_volume_is_found_before_it_begins() -> None:
    spec = load_lab("ch06-binding-choice")
    cluster = Others(
        persistentvolumeclaims=[
            claim("waits", "shop"),
            claim("bound", "shop", phase="Bound"),
            claim("too-large", "shop", "900Gi"),
            claim("left", "demo"),
        ],
        persistentvolumes=[],
    )
    assert strangers(cluster, spec, "k8sviz.dev/lab") == ["persistentvolumeclaim/waits (shop)"] or strangers(
        cluster, spec, "k8sviz.dev/lab"
    ) == ["pvc/waits"]


def test_a_volume_of_others_that_the_labs_claim_would_take_is_found_too_and_its_own_is_not() -> None:
    spec = load_lab("ch06-binding-choice")
    offer = {"capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    free = {"metadata": {"name": "old"}, "spec": offer, "status": {"phase": "Available"}}
    mine = {
        "metadata": {"name": "mine", "labels": {"k8sviz.dev/lab": "ch06-binding-choice"}},
        "spec": offer,
        "status": {"phase": "Available"},
    }
    found = strangers(Others(persistentvolumes=[free, mine], persistentvolumeclaims=[]), spec, "k8sviz.dev/lab")
    assert [name.rpartition("/")[2] for name in found] == ["old"]


def test_who_may_not_list_is_told_nothing_and_a_lab_without_claims_asks_nothing() -> None:
    assert strangers(Others(), load_lab("ch06-binding-choice"), "k8sviz.dev/lab") == []
    assert strangers(Others(), load_lab("ch07-args-env"), "k8sviz.dev/lab") == []
