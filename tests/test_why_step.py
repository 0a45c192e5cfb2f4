"""Steps: what the API server refused, and what went wrong elsewhere, read from what the command printed."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Result, Step
from k8sviz.sources.recording import read
from k8sviz.why import Explanation, why
from k8sviz.why.steps.fields import parse_field_errors

DATA = Path(__file__).parent.parent / "data" / "labs"
LABS = sorted(path.parent.name for path in DATA.glob("*/recording.jsonl"))


@functools.cache
def lab(name: str) -> History:
    return read(DATA / name / "recording.jsonl")


CASES = [
    ("ch06-static-binding", "apply-local-without-affinity", "local-needs-affinity", ["demo-pv", "spec.nodeAffinity"]),
    ("ch06-emptydir", "write-readonly", "read-only-mount", ["/usr/share/www/x", "volume html", "web-server"]),
    ("ch06-hostpath-gitrepo", "apply-gitrepo", "warn-git-repo", ["spec.volumes[0].gitRepo", "deprecated"]),
    ("ch07-args-env", "change-args", "pod-frozen", ["demo-args", '+ "one-more"']),
    ("ch07-args-env", "change-env", "pod-frozen", ['- "Value": "30"; + "Value": "60"']),
    ("ch07-args-env", "old-version", "field-required", ["spec.containers[0].name", "missing"]),
    ("ch07-configmap-env", "apply-number", "wrong-type", ["ConfigMap", "data", "a number", "a string"]),
    ("ch07-configmap-env", "bad-key", "bad-key", ["not a key"]),
    ("ch07-configmap-volume", "apply-bad-mode", "wrong-type", ["spec.volumes.configMap.defaultMode", "be a number"]),
    ("ch07-configmap-volume", "change-immutable", "immutable-object", ["ConfigMap frozen", "immutable"]),
    ("ch07-secret", "too-large", "too-large", ["Secret big", "1 MiB"]),
    ("ch08-api-from-pod", "no-ca", "untrusted", ["self-signed certificate"]),
    ("ch08-api-from-pod", "ca-only", "forbidden-anonymous", ["nobody has logged in", "list pods", '"demo"']),
    ("ch08-api-from-pod", "token", "forbidden-account", ["demo/default", "list pods", '"demo"']),
    ("ch08-api-from-pod", "can-i", "cannot", ["list secrets"]),
    ("ch08-downward-env", "apply-whole-labels", "field-ref", ["metadata.labels", "fieldRef.fieldPath"]),
    ("ch09-bad-version", "status", "deadline", ["deployment/kubia", "deadline"]),
    ("ch09-bad-version", "undo", "warn-undo", ["annotation"]),
    ("ch09-pause-resume", "undo-paused", "paused-undo", ["deployment/kubia", "paused"]),
    ("ch09-replicationcontroller", "rolling-update", "rolling-update-gone", ["rolling-update"]),
    ("ch09-rolling-update", "apply-v1beta1", "no-such-version", ["apps/v1beta1", "apps/v1 now"]),
    ("ch09-rolling-update", "apply-no-selector", "selector-required", ["spec.selector", "missing"]),
    ("ch09-surge-unavailable", "both-zero", "both-zero", ["maxSurge", "maxUnavailable"]),
    ("ch10-order", "change-immutable", "statefulset-frozen", ["StatefulSet kubia"]),
    ("ch10-node-failure", "force", "warn-force", ["nobody has confirmed"]),
    ("ch10-node-failure", "node-down", "outside", ["kubelet"]),
]


@pytest.mark.parametrize(("name", "step", "code", "words"), CASES)
def test_the_cause_in_the_recordings(name: str, step: str, code: str, words: list[str]) -> None:
    found = why(lab(name), None, step)
    assert found.code == code
    assert [word for word in words if word not in found.summary] == [], found.summary
    assert found.subject is None
    assert found.subject_text == f"step {step}"


@pytest.mark.parametrize("name", LABS)
def test_every_step_that_failed_or_warned_is_understood(name: str) -> None:
    for step in lab(name).steps:
        assert step.result is not None
        found = why(lab(name), None, step)
        assert str(found)
        failed = step.result.exit_code != 0
        assert found.code not in ("failed", "warn"), step.id
        # `auth can-i` answers no by its exit code
        assert found.error or not failed or found.code == "cannot", step.id
        if found.code == "done":
            assert "Warning: " not in step.result.stderr, step.id


def test_what_a_refusal_rests_on() -> None:
    found = why(lab("ch06-static-binding"), None, "apply-local-without-affinity")
    proof = {e.source: e.text for e in found.evidence}
    assert "Local volume requires node affinity" in proof["output"]
    assert proof["exit code"] == "1"
    assert found.state == "refused"


def test_two_refusals_at_once_are_both_told() -> None:
    found = why(lab("ch09-rolling-update"), None, "apply-no-selector")
    assert [cause.code for cause in found.also] == ["selector-mismatch"]


def test_a_rollout_that_missed_its_deadline_carries_what_held_it_up() -> None:
    found = why(lab("ch09-bad-version"), None, "status")
    assert found.also[0].code == "deadline"
    assert found.also[0].also[0].code == "probe-failing"


def test_what_may_be_bound_is_said_as_commands() -> None:
    found = why(lab("ch08-api-from-pod"), None, "token")
    assert "--serviceaccount=demo:default" in found.remedy
    assert any("names system:serviceaccount:demo:default" in e.text for e in found.evidence)


def test_a_warning_of_what_did_not_happen_is_not_repeated() -> None:
    assert "warn-undo" not in [cause.code for cause in why(lab("ch09-pause-resume"), None, "undo-paused").also]


def test_an_unknown_step_names_the_nearest() -> None:
    with pytest.raises(K8svizError, match="did you mean"):
        why(lab("ch09-bad-version"), None, "stauts")


# -- what the recordings do not hold ----------------------------------------------------------------------


def ended(stderr: str = "", stdout: str = "", code: int = 1, command: str = "kubectl apply -f x.yaml") -> Explanation:
    history = History(About(namespace="demo"))
    history.begin_step(Step(1.0, "it", command))
    history.end_step("it", Result(2.0, code, stdout, stderr))
    found = why(history, None, "it")
    assert str(found)
    return found


SYNTHETIC = [
    ("error: You must be logged in to the server (Unauthorized)", "unauthorized", ["401"]),
    ("Unable to connect to the server: x509: certificate signed by unknown authority", "untrusted", ["x509"]),
    (
        "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
        "no-server",
        ["localhost:8080"],
    ),
    ('Error from server (NotFound): pods "fortune" not found', "not-found", ["pods/fortune"]),
    ('Error from server (NotFound): widgets.example.com "x" not found', "not-found", ["widgets/x"]),
    ('Error from server (AlreadyExists): configmaps "c" already exists', "exists", ["configmaps/c"]),
    (
        "error: the object has been modified; please apply your changes to the latest version and try again",
        "conflict",
        ["Somebody else"],
    ),
    ('pods "a" is forbidden: exceeded quota: small, requested: cpu=1, used: cpu=1, limited: cpu=1', "quota", ["small"]),
    (
        'pods "a" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
        "pod-security",
        ["restricted:latest"],
    ),
    (
        'User "ann" cannot list resource "secrets" in API group "" at the cluster scope',
        "forbidden",
        ["ann", "list secrets", "cluster scope"],
    ),
    ('error: unknown command "aply" for "kubectl"', "unknown-command", ["aply"]),
    ("error: timed out waiting for the condition on pods/fortune", "timed-out", ["pods/fortune"]),
    ("error: timed out waiting for the condition", "timed-out", ["something"]),
    ('error: the path "x.yaml" does not exist', "no-file", ["x.yaml"]),
    (
        "error: error parsing x.yaml: error converting YAML to JSON: yaml: line 3: did not find expected key",
        "yaml",
        ["line 3"],
    ),
    (
        'Error from server (BadRequest): strict decoding error: unknown field "spec.contaners"',
        "unknown-field",
        ["spec.contaners"],
    ),
    ('error: Internal error occurred: container not found ("main")', "container-not-running", ["main"]),
    ("touch: /etc/x: Read-only file system\ncommand terminated with exit code 1", "read-only", ["/etc/x"]),
    (
        "cat: nothing.txt: No such file or directory\ncommand terminated with exit code 1",
        "exec-failed",
        ["exit code 1", "nothing.txt"],
    ),
    (
        'The Pod "a" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "data"',
        "mount-without-volume",
        ['"data"'],
    ),
    (
        'The Service "s" is invalid: spec.ports[0].nodePort: Invalid value: 80: port is not in the valid range',
        "field-invalid",
        ["nodePort", "valid range"],
    ),
    (
        'The Pod "a" is invalid: spec.restartPolicy: Unsupported value: "Often": supported values: "Always", "Never"',
        "field-unsupported",
        ['"Often"'],
    ),
    (
        'The Service "s" is invalid: spec.clusterIP: Invalid value: "": field is immutable',
        "field-immutable",
        ["clusterIP"],
    ),
    ('The Pod "a" is invalid: spec: Forbidden: something else', "field-forbidden", ["something else"]),
    ('The Pod "a" is invalid: spec.containers[1].name: Duplicate value: "main"', "field-duplicate", ['"main"']),
    ('The Pod "a" is invalid: spec.x: Not found: "y"', "field-not-found", ['"y"']),
    ('The Pod "a" is invalid: spec.x: Too many: 9: must have at most 8 items', "field-error", ["Too many"]),
    ('The Pod "a" is invalid: metadata: this is odd', "invalid", ["this is odd"]),
    ("it just broke", "failed", ["exit code 1"]),
    ("", "failed", ["exit code 1"]),
]


@pytest.mark.parametrize(
    ("stderr", "code", "words"), SYNTHETIC, ids=[f"{i}-{row[1]}" for i, row in enumerate(SYNTHETIC)]
)
def test_other_refusals(stderr: str, code: str, words: list[str]) -> None:
    found = ended(stderr)
    assert (found.code, found.error) == (code, True), str(found)
    assert [word for word in words if word not in found.summary] == [], found.summary


def test_an_answer_of_the_api_in_the_output_counts_though_the_exit_code_is_0() -> None:
    body = '{\n  "kind": "Status",\n  "status": "Failure",\n  "message": "Unauthorized",\n  "code": 401\n}'
    found = ended(stdout=body, code=0, command="curl -sS $API")
    assert (found.code, found.state) == ("unauthorized", "done, but the answer was an error")


def test_other_warnings() -> None:
    assert ended("Warning: policy/v1beta1 PodDisruptionBudget is deprecated", code=0).code == "warn-deprecated"
    found = ended("Warning: the moon is full", code=0)
    assert (found.code, found.error, "the moon is full" in found.summary) == ("warn", False, True)


def test_a_step_without_an_end_is_still_running() -> None:
    history = History()
    history.begin_step(Step(1.0, "it", "sleep 9"))
    assert why(history, None, "it").code == "running"
    assert why(history, None, history.steps[0]).waiting


def test_field_errors_with_odd_values() -> None:
    (one,) = parse_field_errors('spec.labels: Invalid value: {"app":"kubia"}: does not match')
    assert (one.value, one.detail) == ('{"app":"kubia"}', "does not match")
    assert parse_field_errors("nothing of the kind") == []
