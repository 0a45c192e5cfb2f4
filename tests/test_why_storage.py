"""Claims and volumes: the true cause, on what real clusters did and on what they did not do."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from k8sviz.errors import K8svizError
from k8sviz.history import About, History
from k8sviz.kinds import Ref
from k8sviz.rules import binding
from k8sviz.sources.recording import read
from k8sviz.why import Evidence, Explanation, explain_snapshot, why
from k8sviz.words import templates

DATA = Path(__file__).parent.parent / "data" / "labs"


@functools.cache
def lab(name: str) -> History:
    return read(DATA / name / "recording.jsonl")


def told(name: str, step: str, what: str) -> Explanation:
    history = lab(name)
    found = why(history, history.time(step), what)
    assert str(found)
    return found


def level(found: Explanation) -> str:
    return "error" if found.error else "waiting" if found.waiting else "fine"


# -- what the recordings hold ---------------------------------------------------------------------------

CASES = [
    ("ch06-binding-choice", "list-all", "pvc/too-large", "too-small", "error", ["10Gi", "pv/pv-rom-8gi", "8Gi"]),
    ("ch06-binding-choice", "list-all", "pvc/wrong-mode", "access-mode", "error", ["ReadWriteOncePod", "no volume"]),
    ("ch06-binding-choice", "list-all", "pvc/no-such-class", "class-missing", "error", ["gold", "does not exist"]),
    (
        "ch06-binding-choice",
        "apply-smallest",
        "pvc/want-1500mi",
        "bound",
        "fine",
        ["pv/pv-2gi", "smallest", "pv-ssd-3gi"],
    ),
    ("ch06-binding-choice", "list-all", "pvc/want-rwx", "bound", "fine", ["pv/pv-5gi", "only one"]),
    ("ch06-binding-choice", "list-all", "pvc/want-named", "bound-named", "fine", ["pv-rom-8gi", "spec.volumeName"]),
    ("ch06-binding-choice", "list-all", "pv/pv-1gi", "volume-unwanted", "fine", ["fits none"]),
    ("ch06-binding-choice", "list-all", "pv/pv-2gi", "volume-bound", "fine", ["demo/want-1500mi"]),
    ("ch06-binding-choice", "list-end", "pvc/too-large", "bound", "fine", ["pv-late-10gi"]),
    ("ch06-dynamic", "pending", "pvc/lost-pvc", "class-missing", "error", ["no-such-class"]),
    ("ch06-dynamic", "pending", "pvc/demo-pvc", "wait-for-first-consumer", "waiting", ["no Pod uses it", "fast"]),
    ("ch06-dynamic", "pending", "pvc/default-pvc", "wait-for-first-consumer", "waiting", ["standard"]),
    (
        "ch06-dynamic",
        "immediate-events",
        "pvc/hasty-pvc",
        "provisioning-needs-node",
        "error",
        ["local-path", "node", "at-once"],
    ),
    ("ch06-dynamic", "apply-consumer", "pvc/demo-pvc", "provisioning", "waiting", ["rancher.io/local-path"]),
    ("ch06-dynamic", "bound", "pvc/demo-pvc", "bound-provisioned", "fine", ["rancher.io/local-path", "class fast"]),
    ("ch06-static-binding", "apply-pvc", "pvc/demo-pvc", "no-volumes", "error", ["no class", "no volumes"]),
    ("ch06-static-binding", "apply-pv", "pvc/demo-pvc", "about-to-bind", "waiting", ["pv/demo-pv"]),
    ("ch06-static-binding", "apply-pv", "pv/demo-pv", "volume-about-to-bind", "waiting", ["pvc/demo-pvc"]),
    ("ch06-static-binding", "pvc-terminating", "pvc/demo-pvc", "claim-in-use", "waiting", ["pod/fortune-for-pvc"]),
    ("ch06-static-binding", "pv-released", "pv/demo-pv", "volume-retained", "waiting", ["demo/demo-pvc", "Retain"]),
    (
        "ch06-static-binding",
        "pvc-still-pending",
        "pvc/demo-pvc",
        "volume-released",
        "error",
        ["pv/demo-pv", "Released"],
    ),
    ("ch06-static-binding", "pvc-bound-again", "pvc/demo-pvc", "bound", "fine", ["pv/demo-pv"]),
    ("ch10-static-volumes", "waiting", "pvc/data-kubia-3", "class-used-up", "error", ["manual", "3 taken"]),
]


@pytest.mark.parametrize(("name", "step", "what", "code", "kind", "words"), CASES)
def test_the_cause_in_the_recordings(name: str, step: str, what: str, code: str, kind: str, words: list[str]) -> None:
    found = told(name, step, what)
    assert (found.code, level(found)) == (code, kind)
    assert [word for word in words if word not in found.summary] == []
    assert found.evidence
    assert found.rule
    assert found.source


def test_each_refused_volume_is_named_with_its_reason() -> None:
    proof = {e.source: e.text for e in told("ch06-binding-choice", "list-all", "pvc/too-large").evidence}
    assert proof["pv/pv-1gi"] == "The claim asks for 10Gi; the volume holds 1Gi."
    assert "volumeMode" in proof["pv/pv-block-2gi"]
    assert "demo/want-fast" in proof["pv/pv-fast-2gi"]
    assert proof["spec.resources.requests.storage of pvc/too-large"] == "10Gi"
    assert proof["Event FailedBinding"].startswith("no persistent volumes available")


def test_the_way_out_of_released_is_a_command_that_works() -> None:
    found = told("ch06-static-binding", "pvc-still-pending", "pvc/demo-pvc")
    step = lab("ch06-static-binding").step("clear-claimref")
    assert step.command in found.remedy
    sources = {e.source: e.text for e in found.evidence}
    assert sources["spec.claimRef.uid of pv/demo-pv"] != sources["metadata.uid of pvc/demo-pvc"]


def test_a_claim_that_waits_names_its_pod_once_there_is_one() -> None:
    history = lab("ch06-dynamic")
    created = next(e.t for e in history.versions("Pod", "consumer"))
    found = why(history, created, "pvc/demo-pvc")
    assert (found.code, found.waiting) == ("wait-for-pod-scheduled", True)
    assert "pod/consumer" in found.summary


def test_the_list_of_what_is_not_fine() -> None:
    history = lab("ch06-binding-choice")
    found = explain_snapshot(history.at(history.time("list-all")))
    claims = {ref.name: e.code for ref, e in found.items() if ref.kind == "PersistentVolumeClaim"}
    assert claims == {"no-such-class": "class-missing", "too-large": "too-small", "wrong-mode": "access-mode"}
    assert all(isinstance(ref, Ref) and not e.fine for ref, e in found.items())


def test_an_object_that_is_not_there_is_an_error_that_helps() -> None:
    history = lab("ch06-static-binding")
    with pytest.raises(K8svizError, match="it was from"):
        why(history, history.time("pv-released"), "pvc/demo-pvc")
    with pytest.raises(K8svizError, match="did you mean"):
        why(history, None, "pvc/demo-pcv")


# -- what they do not hold --------------------------------------------------------------------------------


def meta(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "uid": f"uid-{name}", "namespace": "demo", **more}


def claim(name: str = "data", *, phase: str = "Pending", annotations: Any = None, **spec: Any) -> dict[str, Any]:
    wanted = {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "resources": {"requests": {"storage": "2Gi"}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": meta(name, annotations=annotations or {}),
        "spec": {k: v for k, v in {**wanted, **spec}.items() if v is not None},
        "status": {"phase": phase},
    }


def volume(
    name: str, size: str = "2Gi", *, phase: str = "Available", labels: Any = None, **spec: Any
) -> dict[str, Any]:
    given = {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "capacity": {"storage": size}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "status": {"phase": phase},
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": labels or {}},
        "spec": {**given, **spec},
    }


def storage_class(name: str, provisioner: str, mode: str = "WaitForFirstConsumer", **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, **more},
        "provisioner": provisioner,
        "volumeBindingMode": mode,
    }


def event(about: dict[str, Any], reason: str, message: str) -> dict[str, Any]:
    it = {"kind": about["kind"], "name": about["metadata"]["name"], "namespace": about["metadata"].get("namespace", "")}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{it['name']}.{reason}", "namespace": "demo"},
        "involvedObject": it,
        "reason": reason,
        "message": message,
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }


def pod(name: str, claim_name: str, node: str = "") -> dict[str, Any]:
    spec: dict[str, Any] = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim_name}}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta(name),
        "status": {"phase": "Pending"},
        "spec": {**spec, **({"nodeName": node} if node else {})},
    }


def taken(name: str, by: str) -> dict[str, Any]:
    return volume(name, phase="Bound", claimRef={"name": by, "namespace": "demo", "uid": f"uid-{by}"})


def explain(what: str, *objects: dict[str, Any]) -> Explanation:
    found = why(History.of(objects, About(namespace="demo")), None, what)
    assert str(found)
    return found


SYNTHETIC: list[tuple[str, list[dict[str, Any]], str, str, list[str]]] = [
    ("mode", [claim(volumeMode="Block"), volume("a")], "volume-mode", "error", ["Block"]),
    ("class", [claim(), volume("a", storageClassName="fast")], "class-differs", "error", ["no class"]),
    ("selector", [claim(selector={"matchLabels": {"disk": "ssd"}}), volume("a")], "selector", "error", ["labels"]),
    ("taken", [claim(), taken("a", "x"), taken("b", "y")], "all-taken", "error", ["another claim"]),
    (
        "mixed",
        [claim(), volume("a", "1Gi"), volume("b", accessModes=["ReadOnlyMany"]), taken("c", "x")],
        "no-matching-volume",
        "error",
        ["1 too small", "1 without its access modes", "1 taken by other claims"],
    ),
    ("named-missing", [claim(volumeName="pv-1"), volume("pv-2")], "named-volume-missing", "error", ["pv/pv-1"]),
    ("named-taken", [claim(volumeName="a"), taken("a", "x")], "named-volume-taken", "error", ["demo/x"]),
    ("named-small", [claim(volumeName="a"), volume("a", "1Gi")], "named-volume-unfit", "error", ["1Gi"]),
    ("named-fits", [claim(volumeName="a"), volume("a")], "about-to-bind", "waiting", ["pv/a"]),
    ("lost", [claim(phase="Lost", volumeName="a")], "claim-lost", "error", ["Lost"]),
    (
        "default",
        [
            claim(storageClassName=None),
            storage_class("std", "x", annotations={"storageclass.kubernetes.io/is-default-class": "true"}),
        ],
        "default-class",
        "waiting",
        ["std"],
    ),
    (
        "failed",
        [
            claim(storageClassName="fast"),
            storage_class("fast", "csi.x", "Immediate"),
            event(claim(), "ProvisioningFailed", "disk quota exceeded"),
        ],
        "provisioning-failed",
        "error",
        ["csi.x", "disk quota exceeded"],
    ),
    (
        "class-came",
        [
            claim(storageClassName="fast"),
            storage_class("fast", "csi.x", "Immediate"),
            event(claim(), "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found'),
        ],
        "provisioning",
        "waiting",
        ["csi.x"],
    ),
    (
        "local-none",
        [claim(storageClassName="local"), storage_class("local", "kubernetes.io/no-provisioner"), pod("app", "data")],
        "no-volumes",
        "error",
        ["class local"],
    ),
    (
        "local-waits",
        [
            claim(storageClassName="local"),
            storage_class("local", "kubernetes.io/no-provisioner"),
            volume("a", storageClassName="local"),
        ],
        "wait-for-first-consumer",
        "waiting",
        ["no Pod uses it"],
    ),
    (
        "reserved",
        [
            claim(phase="Bound", volumeName="a", annotations={"pv.kubernetes.io/bound-by-controller": "yes"}),
            taken("a", "data"),
        ],
        "bound-reserved",
        "fine",
        ["reserved"],
    ),
]


@pytest.mark.parametrize(
    ("objects", "code", "kind", "words"), [row[1:] for row in SYNTHETIC], ids=[r[0] for r in SYNTHETIC]
)
def test_other_causes(objects: list[dict[str, Any]], code: str, kind: str, words: list[str]) -> None:
    found = explain("pvc/data", *objects)
    assert (found.code, level(found)) == (code, kind), str(found)
    assert [word for word in words if word not in found.summary] == [], found.summary


def test_a_claim_held_by_a_stranger_s_finalizer() -> None:
    held = claim()
    held["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/backup"]}
    found = explain("pvc/data", held)
    assert (found.code, found.waiting) == ("finalizers", True)
    assert "example.com/backup" in found.summary


def test_a_finished_pod_still_holds_its_claim_and_an_unscheduled_one_does_not() -> None:
    held = claim(phase="Bound")
    held["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["kubernetes.io/pvc-protection"]}
    done = pod("done", "data", "n1") | {"status": {"phase": "Succeeded"}}
    assert explain("pvc/data", held, done).code == "claim-in-use"
    assert explain("pvc/data", held, pod("new", "data")).code == "claim-released-soon"


VOLUMES: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("free", [volume("a")], "volume-free", "fine"),
    ("failed", [volume("a", phase="Failed")], "reclaim-failed", "error"),
    ("kept", [volume("a", claimRef={"name": "later", "namespace": "demo"})], "volume-reserved", "fine"),
    (
        "recycle",
        [
            volume(
                "a",
                phase="Released",
                persistentVolumeReclaimPolicy="Recycle",
                claimRef={"name": "x", "namespace": "demo", "uid": "1"},
            )
        ],
        "volume-recycling",
        "waiting",
    ),
    (
        "waits",
        [
            volume("a", storageClassName="local"),
            claim(storageClassName="local"),
            storage_class("local", "kubernetes.io/no-provisioner"),
        ],
        "volume-waits-for-pod",
        "fine",
    ),
]


@pytest.mark.parametrize(("objects", "code", "kind"), [row[1:] for row in VOLUMES], ids=[row[0] for row in VOLUMES])
def test_other_volumes(objects: list[dict[str, Any]], code: str, kind: str) -> None:
    found = explain("pv/a", *objects)
    assert (found.code, level(found)) == (code, kind), str(found)


def test_a_bound_volume_that_is_deleted_waits_for_its_claim() -> None:
    held = taken("a", "data")
    held["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["kubernetes.io/pv-protection"]}
    found = explain("pv/a", held, claim(phase="Bound"))
    assert (found.code, "demo/data" in found.summary) == ("volume-in-use", True)


def test_manifests_are_told_what_a_cluster_would_do() -> None:
    wanted, given = claim(), volume("a")
    for obj in (wanted, given):
        del obj["status"], obj["metadata"]["uid"]
    found = explain("pvc/data", wanted, given)
    assert (found.code, "pv/a" in found.summary) == ("manifest", True)
    assert explain("pv/a", wanted, given).code == "volume-manifest"


def test_a_phase_nobody_knows_is_said_to_be_unknown_with_the_newest_events() -> None:
    odd = claim(phase="Meditating")
    found = explain("pvc/data", odd, event(odd, "Pondering", "thinking about it"))
    assert (found.code, found.error) == ("unknown", False)
    assert Evidence("Event Pondering", "thinking about it") in found.evidence


def test_every_reason_of_the_rules_has_its_words_here() -> None:
    codes = templates("rules")["binding"]
    refusing = {code for code in codes if code in templates("why")["count"]}
    assert refusing >= {
        "too-small",
        "access-mode",
        "class",
        "selector",
        "volume-mode",
        "released",
        "claimed-by-another",
    }
    chosen = {code for code in codes if code.startswith("not-chosen")}
    assert chosen <= set(templates("why")["chosen"])
    assert binding.ACCESS_MODES


def test_json_and_text_say_the_same() -> None:
    found = told("ch06-binding-choice", "list-all", "pvc/too-large")
    row = found.to_json()
    assert row["subject"] == {"kind": "PersistentVolumeClaim", "name": "too-large", "namespace": "demo"}
    assert (row["code"], row["error"], row["waiting"]) == ("too-small", True, False)
    assert row["evidence"][0]["source"] in str(found)
    assert "Pending (an error)" in str(found).splitlines()[0]
