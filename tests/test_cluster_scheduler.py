"""The scheduler of the simulated cluster: who goes where, and what it says when nobody can."""

from __future__ import annotations

from typing import Any

import pytest

from k8sviz.cluster import Cluster
from k8sviz.rules.fields import listed, text

SENTENCE = "no new claims to deallocate, preemption: 0/2 nodes are available: "


def node(name: str, cpu: str = "2", **spec: Any) -> dict[str, Any]:
    meta = {"name": name, "labels": {"kubernetes.io/hostname": name, "zone": name[-1]}}
    status = {"allocatable": {"cpu": cpu, "memory": "4Gi", "pods": "110"}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec, "status": status}


def pod(name: str, labels: dict[str, str] | None = None, cpu: str = "", **spec: Any) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": "busybox:1.37"}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    meta = {"name": name, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container], **spec}}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster([node("node-a"), node("node-b")])


def where(cluster: Cluster, name: str) -> str:
    cluster.settle()
    return text(cluster.api.get("pod", name), "spec", "nodeName")


def said(cluster: Cluster, name: str) -> str:
    """The newest FailedScheduling of a Pod, which its condition repeats."""
    cluster.settle()
    found = [e for e in cluster.api.list("Event") if e["involvedObject"]["name"] == name]
    message = text(found[-1], "message")
    [condition] = listed(cluster.api.get("pod", name), "status", "conditions")
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", message)
    return message


def test_pods_of_a_node_that_is_full_go_to_the_other(cluster: Cluster) -> None:
    for i in range(4):
        cluster.api.create(pod(f"p{i}", cpu="900m"))
    assert sorted(where(cluster, f"p{i}") for i in range(4)) == ["node-a", "node-a", "node-b", "node-b"]
    cluster.api.create(pod("late", cpu="900m"))
    assert said(cluster, "late") == (
        f"0/2 nodes are available: 2 Insufficient cpu. {SENTENCE}2 No preemption victims found for incoming pod."
    )
    cluster.api.delete("pod", "p0", grace=0)
    assert where(cluster, "late") == "node-a"


def test_cordons_taints_and_selectors_each_have_their_words(cluster: Cluster) -> None:
    cluster.api.patch("node", "node-a", "", {"spec": {"unschedulable": True}})
    taint = {"key": "team", "value": "a", "effect": "NoSchedule"}
    cluster.api.patch("node", "node-b", "", {"spec": {"taints": [taint]}})
    cluster.api.create(pod("p"))
    assert said(cluster, "p") == (
        "0/2 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. "
        f"{SENTENCE}2 Preemption is not helpful for scheduling."
    )
    tolerations = [{"key": "team", "operator": "Exists"}]
    cluster.api.create(pod("tolerant", tolerations=tolerations))
    assert where(cluster, "tolerant") == "node-b"
    cluster.api.patch("node", "node-a", "", {"spec": {"unschedulable": None}})
    assert where(cluster, "p") == "node-a"


def test_claims_are_looked_at_before_nodes(cluster: Cluster) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    cluster.api.create(pod("p", volumes=[volume]))
    assert said(cluster, "p") == '0/2 nodes are available: persistentvolumeclaim "data" not found. not found'


def test_pods_that_keep_apart_and_pods_that_spread(cluster: Cluster) -> None:
    term = {"labelSelector": {"matchLabels": {"app": "a"}}, "topologyKey": "kubernetes.io/hostname"}
    anti = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    for i in range(3):
        cluster.api.create(pod(f"p{i}", {"app": "a"}, affinity=anti))
    assert {where(cluster, "p0"), where(cluster, "p1")} == {"node-a", "node-b"}
    assert said(cluster, "p2") == (
        "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. "
        f"{SENTENCE}2 No preemption victims found for incoming pod."
    )
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    spread["labelSelector"] = {"matchLabels": {"app": "s"}}
    for i in range(4):
        cluster.api.create(pod(f"s{i}", {"app": "s"}, topologySpreadConstraints=[spread]))
    assert sorted(where(cluster, f"s{i}") for i in range(4)) == ["node-a", "node-a", "node-b", "node-b"]


def test_a_claim_that_waits_is_told_its_node_and_the_pod_waits_for_it(cluster: Cluster) -> None:
    meta = {"name": "local"}
    cluster.api.create(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": meta,
            "provisioner": "rancher.io/local-path",
            "volumeBindingMode": "WaitForFirstConsumer",
        }
    )
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "local",
    }
    cluster.api.create(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
    )
    cluster.api.create(pod("p", volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]))
    cluster.run(0.1)
    claim = cluster.api.get("pvc", "data")
    chosen = claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"]
    assert chosen in ("node-a", "node-b")
    assert "nodeName" not in cluster.api.get("pod", "p")["spec"]
    assert where(cluster, "p") == chosen
