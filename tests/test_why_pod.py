"""Pods and nodes: the first thing in the chain that does not work is named."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from k8sviz.history import About, History
from k8sviz.rules.unschedulable import REFUSALS, parse_refusals
from k8sviz.sources.recording import read
from k8sviz.why import Explanation, why
from k8sviz.words import templates

DATA = Path(__file__).parent.parent / "data" / "labs"


@functools.cache
def lab(name: str) -> History:
    return read(DATA / name / "recording.jsonl")


def level(found: Explanation) -> str:
    return "error" if found.error else "waiting" if found.waiting else "fine"


CASES = [
    (
        "ch06-static-binding",
        "pod-pending",
        "pod/fortune-for-pvc",
        "claim-not-found",
        "error",
        ["demo-pv", "demo-pvc", "claims, not volumes"],
    ),
    ("ch06-static-binding", "apply-pod", "pod/fortune-for-pvc", "starting", "waiting", ["k8sviz-worker"]),
    ("ch06-static-binding", "pod-running", "pod/fortune-for-pvc", "running", "fine", ["Ready"]),
    (
        "ch06-hostpath-gitrepo",
        "typed-events",
        "pod/typed",
        "host-path-type",
        "error",
        ["/no/such/directory", "Directory"],
    ),
    ("ch06-hostpath-gitrepo", "gitrepo-events", "pod/gitrepo", "git-repo-off", "error", ["gitRepo", "switched off"]),
    ("ch06-emptydir", "after-restart", "pod/fortune", "restarted", "fine", ["html-generator", "exit code 1"]),
    (
        "ch07-configmap-env",
        "config-error",
        "pod/waits-for-config",
        "config-map-missing",
        "error",
        ["later-config", "main"],
    ),
    (
        "ch07-configmap-env",
        "create-later",
        "pod/waits-for-config",
        "there-now",
        "waiting",
        ["later-config", "there now"],
    ),
    ("ch07-configmap-env", "recovers", "pod/waits-for-config", "running", "fine", ["Ready"]),
    (
        "ch10-node-failure",
        "not-ready",
        "pod/kubia-0",
        "node-unreachable",
        "error",
        ["node/k8sviz-worker2", "14 seconds"],
    ),
    (
        "ch10-node-failure",
        "not-ready",
        "node/k8sviz-worker2",
        "unreachable",
        "error",
        ["stopped answering", "pod/kubia-0"],
    ),
    ("ch10-node-failure", "still-alive", "pod/kubia-0", "terminating-unreachable", "error", ["nobody can confirm"]),
    (
        "ch10-node-failure",
        "replacement",
        "pod/kubia-0",
        "volume-node-affinity",
        "error",
        ["pvc/data-kubia-0", "k8sviz-worker2 alone"],
    ),
    ("ch10-node-failure", "after", "pod/kubia-0", "running", "fine", ["k8sviz-worker2"]),
    ("ch10-node-failure", "after", "node/k8sviz-worker2", "ready", "fine", ["Ready"]),
    ("ch10-static-volumes", "waiting", "pod/kubia-3", "claims-unbound", "error", ["pvc/data-kubia-3"]),
    ("ch10-peers", "not-ready", "pod/kubia-1", "probe-failing", "error", ["404", "/index.html"]),
    ("ch10-peers", "healed", "pod/kubia-1", "running", "fine", ["Ready"]),
    ("ch10-unhealthy", "break-0", "pod/kubia-0", "probe-failing", "error", ["404"]),
    ("ch09-bad-version", "undo", "pod/kubia-c758b5554-4wxpx", "terminating", "waiting", ["deleted"]),
    ("ch09-bad-version", "status", "pod/kubia-c758b5554-4wxpx", "probe-failing", "error", ["404"]),
]


@pytest.mark.parametrize(("name", "step", "what", "code", "kind", "words"), CASES)
def test_the_cause_in_the_recordings(name: str, step: str, what: str, code: str, kind: str, words: list[str]) -> None:
    history = lab(name)
    found = why(history, history.time(step), what)
    assert (found.code, level(found)) == (code, kind)
    assert [word for word in words if word not in found.summary] == [], found.summary
    assert found.evidence
    assert str(found)


def test_a_pod_that_waits_for_its_claim_carries_the_claim_s_own_cause() -> None:
    history = lab("ch10-static-volumes")
    found = why(history, history.time("waiting"), "pod/kubia-3")
    assert [(cause.subject_text, cause.code) for cause in found.also] == [("pvc/data-kubia-3", "class-used-up")]


def test_a_pod_on_a_silent_node_carries_the_node_s_cause() -> None:
    history = lab("ch10-node-failure")
    found = why(history, history.time("still-alive"), "pod/kubia-0")
    assert [cause.code for cause in found.also] == ["unreachable"]
    assert "--force" in found.remedy


def test_before_the_taint_the_wait_is_known_from_the_toleration() -> None:
    history = lab("ch10-node-failure")
    silent = next(
        e.t
        for e in history.versions("Node", "k8sviz-worker2")
        if any(c["type"] == "Ready" and c["status"] == "Unknown" for c in e.object["status"]["conditions"])
    )
    assert "30 seconds" in why(history, silent, "pod/kubia-0").summary


def test_an_optional_reference_that_finds_nothing_is_told_and_is_no_error() -> None:
    history = lab("ch07-configmap-env")
    found = why(history, history.time("env"), "pod/demo-env-configmap")
    assert found.fine
    assert any("optional" in e.text and "no-such-config" in e.text for e in found.evidence)


# -- the scheduler's message ------------------------------------------------------------------------------

SAID = [
    ('0/2 nodes are available: persistentvolumeclaim "demo-pv" not found. not found', 2, [(None, "claim-not-found")]),
    (
        "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
        2,
        [(None, "unbound-claims")],
    ),
    (
        (
            "0/2 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity, 1 node(s) had "
            "untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is "
            "not helpful for scheduling."
        ),
        2,
        [(1, "volume-affinity"), (1, "taint")],
    ),
    (
        (
            "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 "
            "Insufficient memory. preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling."
        ),
        3,
        [(1, "taint"), (2, "insufficient")],
    ),
    ("0/1 nodes are available: 1 node(s) had volume node affinity conflict.", 1, [(1, "volume-affinity")]),
    ("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", 1, [(1, "node-selector")]),
    ("0/4 nodes are available: 4 node(s) didn't match pod anti-affinity rules.", 4, [(4, "anti-affinity")]),
    ("0/4 nodes are available: 4 Too many pods.", 4, [(4, "too-many-pods")]),
    ("0/4 nodes are available: 4 node(s) felt like a holiday.", 4, [(4, "")]),
    ("running PreBind plugin failed", 0, []),
    ("", 0, []),
]


@pytest.mark.parametrize(("message", "total", "parts"), SAID)
def test_the_scheduler_s_message_is_taken_apart(message: str, total: int, parts: list[tuple[int | None, str]]) -> None:
    found, refusals = parse_refusals(message)
    assert (found, [(r.nodes, r.code) for r in refusals]) == (total, parts)


def test_every_kind_of_refusal_has_its_words() -> None:
    codes = {code for code, _ in REFUSALS}
    words = templates("why")
    assert codes <= set(words["refusal"])
    assert codes | {"other"} <= set(words["refusal-remedy"])


# -- what the recordings do not hold ------------------------------------------------------------------------

STARTED = "2026-01-01T00:00:00Z"


def pod(**parts: Any) -> dict[str, Any]:
    spec = {"nodeName": "n1", "containers": [{"name": "main", "image": "app:1"}], "restartPolicy": "Always"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "app", "namespace": "demo", "uid": "u", **parts.get("metadata", {})},
        "spec": {**spec, **parts.get("spec", {})},
        "status": {"phase": "Pending", **parts.get("status", {})},
    }


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": "main", "ready": False, "restartCount": 0, "state": state, **more}]}


def event(reason: str, message: str, count: int = 1) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"app.{abs(hash((reason, message)))}", "namespace": "demo"},
        "involvedObject": {"kind": "Pod", "name": "app", "namespace": "demo"},
        "reason": reason,
        "message": message,
        "lastTimestamp": STARTED,
        "count": count,
    }


def unschedulable(message: str, **spec: Any) -> dict[str, Any]:
    failed = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return pod(spec={"nodeName": "", **spec}, status={"conditions": [failed]})


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}, "data": data}


CREATING = waiting("ContainerCreating")
CM_VOLUME = {
    "volumes": [{"name": "cfg", "configMap": {"name": "settings", "items": [{"key": "k", "path": "k"}]}}],
    "containers": [{"name": "main", "volumeMounts": [{"name": "cfg", "mountPath": "/cfg"}]}],
}
MOUNT = 'MountVolume.SetUp failed for volume "cfg" : '

SYNTHETIC: list[tuple[str, list[dict[str, Any]], str, str, list[str]]] = [
    (
        "crash",
        [pod(status=waiting("CrashLoopBackOff", restartCount=4, lastState={"terminated": {"exitCode": 127}}))],
        "crash-loop",
        "error",
        ["4 restarts", "127", "not found"],
    ),
    (
        "oom",
        [pod(status=waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}}))],
        "out-of-memory",
        "error",
        ["want of memory", "no limit"],
    ),
    (
        "pull",
        [pod(status=waiting("ImagePullBackOff", 'Back-off pulling image "app:1": not found'))],
        "image-pull",
        "error",
        ["app:1", "no such image"],
    ),
    (
        "denied",
        [pod(status=waiting("ErrImagePull", "pull access denied, repository does not exist or may require"))],
        "image-pull",
        "error",
        ["app:1"],
    ),
    (
        "unreachable",
        [pod(status=waiting("ErrImagePull", "dial tcp: lookup registry: no such host"))],
        "image-pull",
        "error",
        ["cannot be reached"],
    ),
    ("image-name", [pod(status=waiting("InvalidImageName"))], "image-name", "error", ["app:1"]),
    ("never", [pod(status=waiting("ErrImageNeverPull"))], "image-never", "error", ["Never"]),
    (
        "secret",
        [pod(status=waiting("CreateContainerConfigError", 'secret "token" not found'))],
        "secret-missing",
        "error",
        ["token"],
    ),
    (
        "key",
        [
            pod(status=waiting("CreateContainerConfigError", "couldn't find key k in ConfigMap demo/settings")),
            config_map("settings", kk="1"),
        ],
        "key-missing",
        "error",
        ["key k", "settings"],
    ),
    (
        "secret-key",
        [
            pod(status=waiting("CreateContainerConfigError", "couldn't find key k in Secret demo/token")),
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token", "namespace": "demo"}},
        ],
        "key-missing",
        "error",
        ["key k of the Secret token"],
    ),
    (
        "root",
        [pod(status=waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"))],
        "runs-as-root",
        "error",
        ["root"],
    ),
    (
        "config",
        [pod(status=waiting("CreateContainerConfigError", "host IP unknown"))],
        "create-error",
        "error",
        ["host IP"],
    ),
    (
        "create",
        [pod(status=waiting("CreateContainerError", 'exec: "foo": not found'))],
        "start-failed",
        "error",
        ["foo"],
    ),
    ("odd", [pod(status=waiting("Napping", "back soon"))], "waits", "error", ["Napping", "back soon"]),
    (
        "mount-cm",
        [pod(spec=CM_VOLUME, status=CREATING), event("FailedMount", MOUNT + 'configmap "settings" not found')],
        "config-map-missing",
        "error",
        ["settings", "volume cfg"],
    ),
    ("mount-cm-early", [pod(spec=CM_VOLUME, status=CREATING)], "config-map-missing", "error", ["settings"]),
    (
        "mount-cm-came",
        [
            pod(spec=CM_VOLUME, status=CREATING),
            config_map("settings", k="1"),
            event("FailedMount", MOUNT + 'configmap "settings" not found'),
        ],
        "there-now",
        "waiting",
        ["settings"],
    ),
    (
        "mount-key",
        [
            pod(spec=CM_VOLUME, status=CREATING),
            config_map("settings", other="1"),
            event("FailedMount", MOUNT + "references non-existent config key: k"),
        ],
        "key-missing",
        "error",
        ["key k"],
    ),
    (
        "mount-cache",
        [pod(status=CREATING), event("FailedMount", MOUNT + 'object "demo"/"settings" not registered')],
        "mount-cache",
        "waiting",
        ["cfg"],
    ),
    (
        "csi",
        [
            pod(status=CREATING),
            event(
                "FailedMount",
                MOUNT + "kubernetes.io/csi: driver name x.io not found in the list of registered CSI drivers",
            ),
        ],
        "csi-driver-missing",
        "error",
        ["x.io"],
    ),
    (
        "multi",
        [pod(status=CREATING), event("FailedAttachVolume", 'Multi-Attach error for volume "pv-1"')],
        "multi-attach",
        "error",
        ["another node"],
    ),
    (
        "local",
        [pod(status=CREATING), event("FailedMount", MOUNT + 'path "/mnt/d" does not exist')],
        "local-path-missing",
        "error",
        ["/mnt/d"],
    ),
    (
        "nfs",
        [pod(status=CREATING), event("FailedMount", MOUNT + "mount failed: exit status 32")],
        "mount-failed",
        "error",
        ["exit status 32"],
    ),
    (
        "summed-up",
        [
            pod(status=CREATING),
            event("FailedMount", MOUNT + 'path "/mnt/d" does not exist'),
            event("FailedMount", "Unable to attach or mount volumes: unmounted volumes=[cfg]"),
        ],
        "local-path-missing",
        "error",
        ["/mnt/d"],
    ),
    (
        "sandbox",
        [pod(status=CREATING), event("FailedCreatePodSandBox", "plugin type=calico failed")],
        "sandbox-failed",
        "error",
        ["calico"],
    ),
    ("pulling", [pod(status=CREATING), event("Pulling", 'Pulling image "app:1"')], "starting", "waiting", ["pulling"]),
    (
        "cpu",
        [unschedulable("0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.")],
        "unschedulable",
        "error",
        ["1 without enough cpu", "1 cordoned"],
    ),
    ("strange", [unschedulable("the scheduler went fishing")], "not-scheduled", "error", ["fishing"]),
    (
        "gate",
        [pod(spec={"nodeName": "", "schedulingGates": [{"name": "example.com/wait"}]})],
        "gated",
        "waiting",
        ["example.com/wait"],
    ),
    ("new", [pod(spec={"nodeName": ""})], "scheduling", "waiting", ["default-scheduler"]),
    (
        "evicted",
        [pod(status={"phase": "Failed", "reason": "Evicted", "message": "low on memory"})],
        "evicted",
        "error",
        ["low on memory"],
    ),
    (
        "deadline",
        [pod(status={"phase": "Failed", "reason": "DeadlineExceeded"})],
        "failed-by",
        "error",
        ["DeadlineExceeded"],
    ),
    (
        "failed",
        [
            pod(
                status={
                    "phase": "Failed",
                    "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 2}}}],
                }
            )
        ],
        "failed",
        "error",
        ["main", "2"],
    ),
    ("done", [pod(status={"phase": "Succeeded"})], "succeeded", "fine", ["done"]),
    (
        "ended",
        [
            pod(
                status={
                    "phase": "Running",
                    "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 0}}}],
                }
            )
        ],
        "ended",
        "waiting",
        ["exit code 0"],
    ),
    (
        "init-failed",
        [pod(status={"initContainerStatuses": [{"name": "prepare", "state": {"terminated": {"exitCode": 1}}}]})],
        "init-failed",
        "error",
        ["prepare"],
    ),
    (
        "gates",
        [pod(spec={"readinessGates": [{"conditionType": "example.com/lb"}]}, status={"phase": "Running"})],
        "readiness-gate",
        "waiting",
        ["example.com/lb"],
    ),
    (
        "finalizer",
        [pod(metadata={"deletionTimestamp": STARTED, "finalizers": ["example.com/x"]})],
        "finalizers",
        "waiting",
        ["example.com/x"],
    ),
]


@pytest.mark.parametrize(
    ("objects", "code", "kind", "words"), [row[1:] for row in SYNTHETIC], ids=[r[0] for r in SYNTHETIC]
)
def test_other_causes(objects: list[dict[str, Any]], code: str, kind: str, words: list[str]) -> None:
    found = why(History.of(objects, About(namespace="demo")), None, "pod/app")
    assert (found.code, level(found)) == (code, kind), str(found)
    assert [word for word in words if word not in found.summary] == [], found.summary
    assert str(found)


def test_a_claim_that_is_being_deleted_takes_no_new_pod() -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "status": {"phase": "Bound"},
        "metadata": {
            "name": "data",
            "namespace": "demo",
            "uid": "c",
            "deletionTimestamp": STARTED,
            "finalizers": ["kubernetes.io/pvc-protection"],
        },
    }
    waits = unschedulable('0/1 nodes are available: persistentvolumeclaim "data" is being deleted.', volumes=volumes)
    found = why(History.of([waits, claim], About(namespace="demo")), None, "pod/app")
    assert (found.code, [cause.code for cause in found.also]) == ("claim-terminating", ["claim-released-soon"])


def test_a_claim_with_a_slip_in_its_name_gets_the_nearest() -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "demo-pcv"}}]
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "demo-pvc", "namespace": "demo"}}
    found = why(History.of([unschedulable("", volumes=volumes), claim], About(namespace="demo")), None, "pod/app")
    assert (found.code, "did you mean demo-pvc?" in found.summary) == ("claim-not-found", True)


def test_a_pod_overdue_is_no_longer_normal() -> None:
    about = About(namespace="demo", started_at="2026-01-01T01:00:00Z")
    late = pod(metadata={"deletionTimestamp": STARTED}, status={"phase": "Running"})
    found = why(History.of([late], about), None, "pod/app")
    assert (found.code, found.error, "3600 s ago" in found.summary) == ("terminating-overdue", True, True)


def test_nodes() -> None:
    def node(*conditions: dict[str, Any], **spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "n1", "uid": "n"},
            "spec": spec,
            "status": {"conditions": list(conditions)},
        }

    ready = {"type": "Ready", "status": "True"}
    cases = [
        (node({"type": "Ready", "status": "False", "message": "cni not ready"}), "not-ready"),
        (node(ready, {"type": "DiskPressure", "status": "True"}), "pressure"),
        (node(ready, taints=[{"key": "node.kubernetes.io/unreachable"}]), "recovering"),
        (node(ready, unschedulable=True), "cordoned"),
        (node(ready), "ready"),
        (node(), "no-state"),
    ]
    assert [why(History.of([obj]), None, "node/n1").code for obj, _ in cases] == [code for _, code in cases]
