"""Deployments, ReplicaSets, StatefulSets and Services: what holds them up, at each stage of the recordings."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from k8sviz.history import About, History
from k8sviz.sources.recording import read
from k8sviz.why import Explanation, explain_snapshot, why

DATA = Path(__file__).parent.parent / "data" / "labs"


@functools.cache
def lab(name: str) -> History:
    return read(DATA / name / "recording.jsonl")


def level(found: Explanation) -> str:
    return "error" if found.error else "waiting" if found.waiting else "fine"


BAD, PAUSE, STATIC = "ch09-bad-version", "ch09-pause-resume", "ch10-static-volumes"
PEERS, UNHEALTHY, NODE = "ch10-peers", "ch10-unhealthy", "ch10-node-failure"

CASES = [
    (BAD, "apply-v1", "deploy/kubia", "progressing", "waiting", ["3 of 3 Pods new", "to be Ready"]),
    (BAD, "ready", "deploy/kubia", "complete", "fine", ["all 3 Pods", "revision 1"]),
    (BAD, "apply-v3", "deploy/kubia", "progressing", "waiting", ["1 of 3 Pods new", "10 s (minReadySeconds)"]),
    (BAD, "status", "deploy/kubia", "deadline", "error", ["deadline of 30 s", "404", "1 of 3 Pods new, 3 available"]),
    (BAD, "status", "rs/kubia-c758b5554", "not-ready", "error", ["should have 1 Pods"]),
    (BAD, "status", "svc/kubia", "some-ready", "fine", ["left out", "kubia-c758b5554-4wxpx"]),
    (BAD, "undo", "deploy/kubia", "complete", "fine", ["revision 3"]),
    (BAD, "after", "rs/kubia-c758b5554", "kept", "fine", ["revision 2", "undo"]),
    (PAUSE, "ready", "deploy/kubia", "complete", "fine", ["all 4 Pods"]),
    (PAUSE, "canary", "deploy/kubia", "paused", "waiting", ["1 of 4 Pods are of the new version"]),
    (PAUSE, "undo-paused", "deploy/kubia", "paused", "waiting", ["paused midway"]),
    (PAUSE, "after", "deploy/kubia", "complete", "fine", ["revision 2"]),
    ("ch09-recreate", "apply-v2", "deploy/kubia", "progressing", "waiting", ["Recreate", "old Pods have stopped"]),
    ("ch09-replicationcontroller", "lost", "rc/kubia-v1", "complete", "fine", ["1 Pods"]),
    (STATIC, "waiting", "sts/kubia", "pod-not-ready", "error", ["pod/kubia-3"]),
    (STATIC, "complete", "sts/kubia", "complete", "fine", ["pod/kubia-3"]),
    (PEERS, "apply", "sts/kubia", "waits-for-ordinal", "waiting", ["waits for pod/kubia-0", "pod/kubia-2"]),
    (PEERS, "not-ready", "sts/kubia", "pod-not-ready", "error", ["pod/kubia-1"]),
    (PEERS, "slices-after", "svc/kubia", "some-ready", "fine", ["left out, since not Ready: pod/kubia-1"]),
    (PEERS, "slices-after", "svc/kubia-public", "some-ready", "fine", ["pod/kubia-0, pod/kubia-2"]),
    (PEERS, "healed", "svc/kubia", "all-ready", "fine", ["pod/kubia-1"]),
    (PEERS, "healed", "sts/kubia", "complete", "fine", ["pod/kubia-1"]),
    (UNHEALTHY, "break-2", "sts/kubia", "pod-not-ready", "error", ["pod/kubia-2"]),
    (UNHEALTHY, "went", "sts/kubia", "complete", "fine", ["pod/kubia-1"]),
    (
        UNHEALTHY,
        "blocked",
        "sts/kubia",
        "scale-down-blocked",
        "error",
        ["shrink to 1", "pod/kubia-0", "pod/kubia-1 stays"],
    ),
    (UNHEALTHY, "done", "sts/kubia", "complete", "fine", ["pod/kubia-0"]),
    (NODE, "ready", "sts/kubia", "complete", "fine", ["pod/kubia-1"]),
    (NODE, "not-ready", "sts/kubia", "pod-not-ready", "error", ["pod/kubia-0"]),
    (NODE, "still-alive", "sts/kubia", "waits-for-end", "error", ["pod/kubia-0 is gone"]),
    (NODE, "replacement", "sts/kubia", "pod-not-ready", "error", ["pod/kubia-0"]),
    (NODE, "after", "sts/kubia", "complete", "fine", ["pod/kubia-0"]),
    ("ch10-order", "after-partition", "sts/kubia", "partitioned", "fine", ["from ordinal 2 up", "pod/kubia-0"]),
    ("ch10-order", "roll-all", "sts/kubia", "waits-for-end", "waiting", ["pod/kubia-1"]),
    ("ch10-order", "apply-parallel", "sts/kubia", "parallel", "waiting", ["Parallel"]),
    ("ch10-identity", "pvc-left", "svc/kubia", "no-pods", "waiting", ["no Pod"]),
]


@pytest.mark.parametrize(("name", "step", "what", "code", "kind", "words"), CASES)
def test_the_cause_in_the_recordings(name: str, step: str, what: str, code: str, kind: str, words: list[str]) -> None:
    history = lab(name)
    found = why(history, history.time(step), what)
    assert (found.code, level(found)) == (code, kind), str(found)
    assert [word for word in words if word not in found.summary] == [], found.summary
    assert found.evidence
    assert str(found)


CHAINS = [
    (STATIC, "waiting", "sts/kubia", ["pod-not-ready", "claims-unbound", "class-used-up"]),
    (UNHEALTHY, "blocked", "sts/kubia", ["scale-down-blocked", "probe-failing"]),
    (NODE, "not-ready", "sts/kubia", ["pod-not-ready", "node-unreachable", "unreachable"]),
    (NODE, "still-alive", "sts/kubia", ["waits-for-end", "terminating-unreachable", "unreachable"]),
    (NODE, "replacement", "sts/kubia", ["pod-not-ready", "volume-node-affinity", "unreachable"]),
    (BAD, "status", "deploy/kubia", ["deadline", "probe-failing"]),
    (BAD, "status", "rs/kubia-c758b5554", ["not-ready", "probe-failing"]),
]


@pytest.mark.parametrize(("name", "step", "what", "codes"), CHAINS)
def test_the_causes_beneath(name: str, step: str, what: str, codes: list[str]) -> None:
    history = lab(name)
    found: Explanation | None = why(history, history.time(step), what)
    chain = []
    while found is not None:
        chain.append(found.code)
        found = found.also[0] if found.also else None
    assert chain == codes


def test_between_the_bad_probe_and_the_deadline_the_rollout_is_held_up() -> None:
    history = lab(BAD)
    step = history.step("status")
    assert step.result is not None
    found = why(history, step.result.t - 2, "deploy/kubia")
    assert (found.code, found.error) == ("held-up", True)
    assert "At least" not in found.summary
    assert "at least 3 stay available" in found.rule


def test_an_unhealthy_pod_that_is_to_go_does_not_stop_the_scaling() -> None:
    history = lab(UNHEALTHY)
    begun, done = history.step("scale-to-2").t, history.time("scale-to-2")
    codes = {
        found.code
        for t in history.times(["StatefulSet", "Pod"])
        if begun < t < done
        for ref, found in explain_snapshot(history.at(t)).items()
        if ref.kind == "StatefulSet"
    }
    assert "scaling-down" in codes
    assert "scale-down-blocked" not in codes


# -- what the recordings do not hold ------------------------------------------------------------------------


def pod(number: int, owner: str, *, ready: bool = True, revision: str = "r1", **meta: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready), "lastTransitionTime": "2026-01-01T00:00:00Z"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"web-{number}",
            "namespace": "demo",
            "uid": f"p{number}",
            "labels": {"app": "web", "controller-revision-hash": revision},
            "ownerReferences": [{"kind": "X", "name": "web", "uid": owner, "controller": True}],
            **meta,
        },
        "spec": {"nodeName": "n1", "containers": [{"name": "main"}]},
        "status": {"phase": "Running", "conditions": conditions},
    }


def workload(kind: str, spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "demo", "uid": kind, "generation": 1},
        "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": "web"}}}, **(spec or {})},
        "status": {"observedGeneration": 1, **status},
    }


def explain(what: str, *objects: dict[str, Any]) -> Explanation:
    found = why(History.of(objects, About(namespace="demo", started_at="2026-01-01T01:00:00Z")), None, what)
    assert str(found)
    return found


def stateful(spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return workload("StatefulSet", spec, **{"currentRevision": "r1", "updateRevision": "r1", **status})


def test_quota_and_refused_pods() -> None:
    def failure(message: str) -> dict[str, Any]:
        conditions = [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]
        return workload("ReplicaSet", conditions=conditions)

    over = explain("rs/web", failure('pods "web-x" is forbidden: exceeded quota: small, requested: cpu=1'))
    assert (over.code, over.error, "small" in over.summary) == ("quota", True, True)
    assert explain("rs/web", failure("admission webhook denied the request")).code == "pods-refused"


def test_more_of_deployments() -> None:
    template = {"template": {"metadata": {"labels": {"app": "web"}}}}
    assert explain("deploy/web", workload("Deployment", {"paused": True})).code == "paused-before"
    assert explain("deploy/web", workload("Deployment", {"replicas": 0})).code == "none-wanted"
    assert explain("deploy/web", workload("Deployment") | {"status": {}}).code == "not-seen"
    whole = workload("Deployment", {"paused": True, **template}, replicas=2, updatedReplicas=2, availableReplicas=2)
    new = workload("ReplicaSet", template)
    new["metadata"]["ownerReferences"] = [
        {"kind": "Deployment", "name": "web", "uid": "Deployment", "controller": True}
    ]
    assert explain("deploy/web", whole, new).code == "paused-idle"
    manifest = workload("Deployment")
    del manifest["status"], manifest["metadata"]["uid"]
    assert explain("deploy/web", manifest).code == "manifest"


def test_more_of_replica_sets() -> None:
    assert explain("rs/web", workload("ReplicaSet", replicas=3, readyReplicas=3)).code == "too-many"
    assert explain("rs/web", workload("ReplicaSet", replicas=2, readyReplicas=2)).code == "complete"


STATEFUL: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("creates", [stateful(), pod(0, "StatefulSet")], "creating", "pod/web-1"),
    ("order", [stateful(), pod(0, "StatefulSet", ready=False)], "waits-for-ordinal", "does not make pod/web-1"),
    (
        "min-ready",
        [stateful({"minReadySeconds": 9000}), pod(0, "StatefulSet"), pod(1, "StatefulSet")],
        "not-available",
        "9000 s",
    ),
    (
        "shrinks",
        [stateful({"replicas": 1}), pod(0, "StatefulSet"), pod(1, "StatefulSet")],
        "scaling-down",
        "pod/web-1 to go",
    ),
    (
        "blocked-among-those-to-go",
        [
            stateful({"replicas": 1}),
            pod(0, "StatefulSet"),
            pod(1, "StatefulSet", ready=False),
            pod(2, "StatefulSet", ready=False),
        ],
        "scale-down-blocked",
        "pod/web-1 is not Ready",
    ),
    (
        "updates",
        [stateful(updateRevision="r2"), pod(0, "StatefulSet"), pod(1, "StatefulSet")],
        "updating",
        "pod/web-1 comes next",
    ),
    (
        "by-hand",
        [
            stateful({"updateStrategy": {"type": "OnDelete"}}, updateRevision="r2"),
            pod(0, "StatefulSet"),
            pod(1, "StatefulSet"),
        ],
        "on-delete",
        "pod/web-1, pod/web-0",
    ),
    (
        "parallel",
        [stateful({"podManagementPolicy": "Parallel"}), pod(0, "StatefulSet", ready=False), pod(1, "StatefulSet")],
        "parallel",
        "pod/web-0",
    ),
    (
        "update-blocked",
        [
            stateful({"podManagementPolicy": "Parallel"}, updateRevision="r2"),
            pod(0, "StatefulSet"),
            pod(1, "StatefulSet", ready=False, revision="r2"),
        ],
        "update-blocked",
        "pod/web-0, but pod/web-1 is not Ready",
    ),
]


@pytest.mark.parametrize(("objects", "code", "words"), [row[1:] for row in STATEFUL], ids=[row[0] for row in STATEFUL])
def test_more_of_stateful_sets(objects: list[dict[str, Any]], code: str, words: str) -> None:
    found = explain("sts/web", *objects)
    assert found.code == code, str(found)
    assert words in found.summary


def test_a_stateful_set_whose_pods_are_refused() -> None:
    failed = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "web.1", "namespace": "demo"},
        "involvedObject": {"kind": "StatefulSet", "name": "web", "namespace": "demo"},
        "reason": "FailedCreate",
        "message": "create Pod web-0 failed: exceeded quota",
    }
    found = explain("sts/web", stateful(), failed)
    assert (found.code, "exceeded quota" in found.summary) == ("create-failed", True)


def test_services() -> None:
    def service(**spec: Any) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "demo"}, "spec": spec}

    assert explain("svc/web", service()).code == "no-selector"
    slip = explain("svc/web", service(selector={"app": "web", "tier": "x"}), pod(0, "x"))
    assert (slip.code, slip.error, "pod/web-0" in slip.summary) == ("selector-misses", True, True)
    none = explain("svc/web", service(selector={"app": "web"}), pod(0, "x", ready=False))
    assert none.code == "none-ready"
    assert explain("svc/web", service(selector={"app": "web"}), pod(0, "x")).code == "all-ready"


def test_config_maps_and_secrets_name_their_users_and_what_a_change_reaches() -> None:
    history = lab("ch07-configmap-volume")
    used = why(history, history.time("files"), "cm/fortune-config")
    assert (used.code, used.summary.count("pod/demo-configmap-volume")) == ("used", 3)
    assert any(e.text == "container web-server: GZIP (env)" for e in used.evidence)
    assert why(history, None, "cm/frozen").code == "unused"
    secrets = lab("ch07-secret")
    kept = why(secrets, None, "secret/fortune-https")
    assert kept.evidence[0].text == "foo, https.cert, https.key"
    assert "BEGIN" not in str(kept)


def test_a_pod_from_a_file_is_told_what_the_files_lack() -> None:
    app = pod(0, "x")
    app["spec"]["containers"] = [{"name": "main", "envFrom": [{"configMapRef": {"name": "gone"}}]}]
    del app["status"], app["metadata"]["uid"]
    found = explain("pod/web-0", app)
    assert (found.code, "demo/gone" in found.evidence[0].text) == ("manifest", True)
