"""Predictions refuse what the API server refuses, and say what could keep a rollout from its end."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from k8sviz.cli import main
from k8sviz.predict.blocks import blocks
from k8sviz.predict.refusals import refusals
from k8sviz.validate import update_problems

REPORTS = Path(__file__).parent / "reports"
JSON = dict[str, Any]


def reported(*names: str) -> list[str]:
    return [word for name in names for word in ("-f", str(next(REPORTS.glob(f"{name}-*.yaml"))))]


@pytest.mark.parametrize(
    ("new", "field", "remedy", "never"),
    [
        ("34b", "spec.volumeClaimTemplates", "--cascade=orphan, which leaves its Pods", "left without an owner"),
        ("34c", "spec.volumeClaimTemplates", "--cascade=orphan, which leaves its Pods", "left without an owner"),
        ("34d", "spec.selector", "Delete it and its Pods", "which leaves its Pods"),
    ],
)
def test_a_statefulset_that_may_not_change_so_is_not_played(
    new: str, field: str, remedy: str, never: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = reported("34a", new)
    for command in (["predict", "stateful"], ["check"]):
        assert main([*command, *files]) == 1
        said = capsys.readouterr().out
        assert f"{field}: A StatefulSet's spec is fixed but for replicas" in said
        assert remedy in said
        assert never not in said
        assert "is created" not in said
    assert main(["predict", "stateful", *files, "--json"]) == 1
    (refused,) = json.loads(capsys.readouterr().out)["refused"]
    assert (refused["version"], refused["object"], refused["field"]) == (2, "statefulset/home", field)


def test_a_deployments_selector_may_not_change(capsys: pytest.CaptureFixture[str]) -> None:
    files = reported("55a", "55b")
    assert main(["predict", "rollout", *files]) == 1
    said = capsys.readouterr().out
    assert "refuses this" in said
    assert "spec.selector: This cannot change" in said
    assert "complete after" not in said
    assert main(["check", *files]) == 1


def test_a_claim_that_only_one_node_can_have_may_block(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "rollout", *reported("41a", "41b")]) == 0
    said = capsys.readouterr().out
    assert "could block" in said
    assert "claim wp, which is ReadWriteOnce" in said
    assert "Recreate" in said


DEPLOYMENT: JSON = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [{"name": "web", "image": "web:1"}],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            },
        },
    },
}


def deployment(**spec: Any) -> JSON:
    made = copy.deepcopy(DEPLOYMENT)
    pod = spec.pop("pod", {})
    made["spec"] |= spec
    made["spec"]["template"]["spec"] |= pod
    return made


def claim(*modes: str) -> JSON:
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": {"accessModes": list(modes)}}


def node(name: str, **more: Any) -> JSON:
    has = {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "10"}}
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": has,
        "spec": more,
    }


def codes(workload: JSON, *others: JSON, changes: bool = True) -> list[str]:
    found = blocks(workload, others, changes=changes)
    assert all(block.words for block in found)
    return [block.code for block in found]


def test_shared_claims() -> None:
    assert codes(deployment(), claim("ReadWriteOnce")) == ["claim-kept"]
    assert codes(deployment(), claim("ReadWriteOncePod")) == ["claim-kept-pod"]
    assert codes(deployment(replicas=3), claim("ReadWriteOnce")) == ["claim-shared"]
    assert codes(deployment(replicas=3), claim("ReadWriteMany")) == []
    assert codes(deployment(strategy={"type": "Recreate"}), claim("ReadWriteOnce")) == []
    assert codes(deployment(strategy={"rollingUpdate": {"maxUnavailable": 1}}), claim("ReadWriteOnce")) == []
    # created, not changed: there is no old Pod
    assert codes(deployment(), claim("ReadWriteOnce"), changes=False) == []
    # one node: nothing is attached twice
    assert codes(deployment(), claim("ReadWriteOnce"), node("n1")) == []
    # a claim that is not among the manifests may be anything
    assert codes(deployment()) == []


def test_nodes_that_are_given_or_needed() -> None:
    term = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "kubernetes.io/hostname"}
    alone = {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
    apart = deployment(replicas=3, pod=alone)
    assert codes(apart) == ["node-each-kept"]
    assert codes(deployment(replicas=3, pod=alone, strategy={"rollingUpdate": {"maxUnavailable": 1}})) == ["node-each"]
    assert codes(apart, *map(node, "abc")) == ["nodes-kept"]
    assert codes(apart, *map(node, "ab")) == ["nodes"]
    assert codes(apart, *map(node, "abcd")) == []
    big = {"containers": [{"name": "web", "image": "web:1", "resources": {"requests": {"cpu": "600m"}}}]}
    assert codes(deployment(replicas=2, pod=big), node("a"), node("b")) == ["nodes-kept"]
    assert codes(deployment(replicas=3, pod=big), node("a"), node("b")) == ["nodes"]
    taint = [{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]
    assert codes(deployment(), node("a", taints=taint)) == ["nodes"]
    port = {"containers": [{"name": "web", "image": "web:1", "ports": [{"containerPort": 80, "hostPort": 80}]}]}
    assert codes(deployment(pod=port)) == ["node-each-kept"]


def test_quotas() -> None:
    def quota(**hard: str) -> JSON:
        return {"kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}}

    assert codes(deployment(replicas=2), quota(pods="2")) == ["quota-kept"]
    assert codes(deployment(replicas=3), quota(pods="2")) == ["quota"]
    assert codes(deployment(replicas=2), quota(pods="3")) == []
    assert codes(deployment(), quota(**{"limits.memory": "1Gi"})) == ["quota-unsaid"]
    assert codes(deployment(), quota(**{"services": "1", "count/secrets": "3"})) == []


def test_what_is_wrong_by_itself_is_refused_too() -> None:
    wrong = deployment(pod={"containres": []})
    (found,) = refusals([deployment(), wrong])
    assert (found.version, found.problem.code) == (2, "unknown-field")
    assert not refusals([deployment(), deployment(replicas=2)])


@pytest.mark.parametrize(
    ("kind", "old", "new", "fields"),
    [
        ("DaemonSet", {"selector": {"matchLabels": {"a": "b"}}}, {"selector": {"matchLabels": {"a": "c"}}}, 1),
        ("Job", {"completionMode": "NonIndexed"}, {"completionMode": "Indexed"}, 1),
        ("Job", {"completions": 1}, {"completions": 2}, 1),
        ("Job", {"parallelism": 1}, {"parallelism": 2}, 0),
        ("Service", {"clusterIP": "10.0.0.1"}, {"clusterIP": "10.0.0.2"}, 1),
        ("Service", {"clusterIP": "10.0.0.1"}, {"ports": [{"port": 1}]}, 0),
        ("PersistentVolume", {"hostPath": {"path": "/a"}}, {"hostPath": {"path": "/b"}}, 1),
        ("PersistentVolume", {"capacity": {"storage": "1Gi"}}, {"capacity": {"storage": "2Gi"}}, 0),
        ("PersistentVolumeClaim", {"accessModes": ["ReadWriteOnce"]}, {"accessModes": ["ReadWriteMany"]}, 1),
        ("PersistentVolumeClaim", {"storageClassName": "a"}, {"storageClassName": "b"}, 1),
        # what a manifest leaves out has its default
        ("StatefulSet", {}, {"podManagementPolicy": "OrderedReady"}, 0),
        ("StatefulSet", {}, {"podManagementPolicy": "Parallel"}, 1),
        ("StatefulSet", {"serviceName": "a"}, {"serviceName": "b"}, 1),
        ("StatefulSet", {"replicas": 1}, {"replicas": 2, "minReadySeconds": 3}, 0),
    ],
)
def test_each_kind_has_fields_that_stay(kind: str, old: JSON, new: JSON, fields: int) -> None:
    found = list(update_problems({"kind": kind, "spec": old}, {"kind": kind, "spec": new}))
    assert len(found) == fields, found


def test_what_the_cluster_filled_in_counts_as_unchanged() -> None:
    live = {"kind": "Service", "metadata": {"uid": "1"}, "spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80}]}}
    assert not list(update_problems(live, {"kind": "Service", "spec": {"ports": [{"port": 81}]}}))
    bound = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"uid": "1"},
        "spec": {"storageClassName": "fast", "volumeName": "pv-1", "accessModes": ["ReadWriteOnce"]},
    }
    written = {"kind": "PersistentVolumeClaim", "spec": {"accessModes": ["ReadWriteOnce"]}}
    assert not list(update_problems(bound, written))


def test_claims_grow_only_where_their_class_lets_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def files(old: str, new: str, allow: str, name: str = "fast") -> list[str]:
        text = (
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], "
            f"storageClassName: '{name}', resources: {{requests: {{storage: %s}}}}}}\n"
        )
        cls = (
            "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\n"
            f"provisioner: csi.example.com\n{allow}\n"
        )
        (tmp_path / "old.yaml").write_text(text % old + cls, encoding="utf-8")
        (tmp_path / "new.yaml").write_text(text % new, encoding="utf-8")
        return ["check", "-f", str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")]

    assert main(files("1Gi", "2Gi", "")) == 1
    assert "The class fast does not allow its volumes to grow" in capsys.readouterr().out
    assert main(files("1Gi", "2Gi", "allowVolumeExpansion: true")) == 0
    assert main(files("2Gi", "1Gi", "allowVolumeExpansion: true")) == 1
    assert 'less than "2Gi": a claim can only grow' in capsys.readouterr().out
    assert main(files("1Gi", "2Gi", "", name="")) == 1
    assert "without a class cannot grow" in capsys.readouterr().out
    # a class that is not among the files may allow it
    assert main(files("1Gi", "2Gi", "", name="other")) == 0
