"""The controllers at size, and what has no recording: budgets, namespaces, garbage, growth."""

from __future__ import annotations

import time
from typing import Any

import pytest

from k8sviz.cluster import Cluster
from k8sviz.cluster.settings import Settings
from k8sviz.predict.rollout import predict_rollout


def deployment(tag: str, replicas: int = 2, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "a", "image": f"busybox:1.{tag}", "command": ["sleep", "infinity"]}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}},
            **spec,
        },
    }


@pytest.fixture
def cluster() -> Cluster:
    ready = {"type": "Ready", "status": "True"}
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "node-a", "labels": {"kubernetes.io/hostname": "node-a"}},
        "status": {"allocatable": {"cpu": "8", "memory": "16Gi", "pods": "110"}, "conditions": [ready]},
    }
    return Cluster([node])


def test_a_thousand_pods_roll_out_in_five_seconds_of_cpu() -> None:
    began = time.process_time()
    found = predict_rollout(deployment("36", 1000), deployment("37", 1000), ready_after=1, stop_after=1)
    assert found.complete is not None
    assert time.process_time() - began < 10  # both versions: five seconds each


def test_a_budget_counts_what_may_go(cluster: Cluster) -> None:
    cluster.api.create(deployment("36", 3))
    budget = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
    meta = {"name": "web"}
    cluster.api.create({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": budget})
    cluster.settle()
    status = cluster.api.get("pdb", "web")["status"]
    assert (status["currentHealthy"], status["desiredHealthy"], status["disruptionsAllowed"]) == (3, 2, 1)


@pytest.mark.parametrize(("policy", "left"), [("Background", 0), ("Foreground", 0), ("Orphan", 1)])
def test_what_an_owner_leaves_behind(cluster: Cluster, policy: Any, left: int) -> None:
    cluster.api.create(deployment("36"))
    cluster.settle()
    cluster.api.delete("Deployment", "web", "default", propagation=policy)
    cluster.settle()
    assert cluster.api.list("Deployment") == []
    assert len(cluster.api.list("ReplicaSet")) == left
    assert len(cluster.api.list("Pod", "default")) == 2 * left


def test_a_new_namespace_has_an_account_and_a_certificate(cluster: Cluster) -> None:
    cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    cluster.settle()
    assert cluster.api.get("ServiceAccount", "default", "shop")
    assert cluster.api.get("ConfigMap", "kube-root-ca.crt", "shop")


def test_a_deployment_whose_pods_are_refused_says_so(cluster: Cluster) -> None:
    wish = deployment("36")
    wish["spec"]["template"]["spec"]["serviceAccountName"] = "nobody"
    cluster.api.create(wish)
    cluster.run(20)
    conditions = {c["type"]: c["status"] for c in cluster.api.get("Deployment", "web")["status"]["conditions"]}
    assert conditions["ReplicaFailure"] == "True"


def test_a_volume_grows_with_its_claim() -> None:
    cluster = Cluster(settings=Settings(judges=False))
    api = cluster.api
    api.create({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "d"}, "spec": {}})
    growing = {"provisioner": "d", "allowVolumeExpansion": True, "volumeBindingMode": "Immediate"}
    api.create({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "d"}, **growing})
    asks = {"accessModes": ["ReadWriteOnce"], "storageClassName": "d", "resources": {"requests": {"storage": "1Gi"}}}
    api.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": asks})
    cluster.settle()
    assert api.get("pvc", "c")["status"]["capacity"] == {"storage": "1Gi"}
    api.patch("pvc", "c", "default", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}, type="merge")
    cluster.settle()
    assert api.list("PersistentVolume")[0]["spec"]["capacity"] == {"storage": "2Gi"}
    assert [c["type"] for c in api.get("pvc", "c")["status"]["conditions"]] == ["FileSystemResizePending"]
