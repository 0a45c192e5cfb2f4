"""Pictures of situations that people reported: what is broken, held or on its way is drawn as that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8sviz.diagrams import story
from k8sviz.diagrams.kit.model import Diagram, Node
from k8sviz.history import History
from k8sviz.sources import manifests
from k8sviz.stories import STORIES

REPORTS = Path(__file__).parent / "reports"
META = {"name": "x"}


def drawn(name: str, of: str | list[dict[str, Any]], **more: Any) -> Diagram:
    history = manifests.read([REPORTS / f"{of}.yaml"]) if isinstance(of, str) else History.of(of)
    return story(name, history)(history.at(), **more)


def only(diagram: Diagram, kind: str, name: str = "") -> Node:
    found = [node for node in diagram.nodes if node.kind == kind and name in ("", node.name)]
    assert len(found) == 1, [node.name for node in diagram.nodes if node.kind == kind]
    return found[0]


def lines(diagram: Diagram) -> set[tuple[str, str, str, str]]:
    """Each relation as its ends' names, with its sort and level."""
    names = {node.id: node.name for node in diagram.nodes}
    return {(names[e.source], e.relation, names[e.target], e.level) for e in diagram.edges}


# -- what holds a volume -----------------------------------------------------------------------------


def test_the_attachment_that_holds_a_volume_is_drawn_with_its_node() -> None:
    diagram = drawn("storage", "03-multi-attach-rollout")
    held = only(diagram, "VolumeAttachment")
    assert (held.state, held.level) == ("attached", "ok")
    assert {("pvc-w1", "attached", "csi-0a1b", ""), ("csi-0a1b", "attached-to", "worker-1", "")} <= lines(diagram)


def attachment(**status: Any) -> dict[str, Any]:
    spec = {"attacher": "d.example", "nodeName": "n1", "source": {"persistentVolumeName": "pv"}}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": META, "spec": spec} | (
        {"status": status} if status else {}
    )


@pytest.mark.parametrize(
    ("status", "state", "level"),
    [
        ({"attached": True}, "attached", "ok"),
        ({"attached": False}, "not attached yet", "wait"),
        ({}, "not attached yet", "wait"),
        ({"attached": False, "attachError": {"message": "limit reached"}}, "not attached yet", "bad"),
    ],
)
def test_an_attachment_says_how_far_it_is(status: dict[str, Any], state: str, level: str) -> None:
    card = only(drawn("storage", [attachment(**status)]), "VolumeAttachment")
    assert (card.state, card.level) == (state, level)
    assert ("limit reached" in card.facts) == (level == "bad")


def test_a_node_without_the_driver_is_drawn_as_wrong() -> None:
    drivers = [{"name": "other.example", "allocatable": {"count": 24}}]
    csi = {"kind": "CSINode", "metadata": {"name": "n1"}, "spec": {"drivers": drivers}}
    node = {"kind": "Node", "metadata": {"name": "n1"}}
    diagram = drawn("storage", [attachment(attached=False), csi, node])
    assert ("x", "attached-to", "n1", "bad") in lines(diagram)
    assert only(diagram, "CSINode").facts == ("other.example: at most 24 volumes",)
    drivers[0]["name"] = "d.example"
    assert ("x", "attached-to", "n1", "") in lines(drawn("storage", [attachment(attached=False), csi, node]))


# -- volumes that grow -------------------------------------------------------------------------------


def test_a_growing_volume_shows_what_is_asked_what_it_has_and_the_file_system() -> None:
    card = only(drawn("storage", "07-fs-resize-pending"), "PersistentVolumeClaim")
    assert (card.state, card.level) == ("Bound, the file system is still to grow", "wait")
    assert card.facts[:3] == ("asks 6Gi · RWO", "the volume has 6Gi", "the file system has 1Gi")


# -- what is missing, beside what is there -----------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "good", "missing"),
    [
        ("15-configmap-item-missing", "/scripts/start.sh", "/scripts/replicas"),
        ("37-projected-key-missing", "/certs/tls.crt", "/certs/ca.crt"),
    ],
)
def test_good_keys_are_drawn_beside_a_missing_one(report: str, good: str, missing: str) -> None:
    files = {node.name: node.level for node in drawn("config", report).nodes if node.kind == "File"}
    assert files == {good: "wait", missing: "bad"}


def test_a_broken_downward_reference_is_drawn_as_broken() -> None:
    diagram = drawn("downward", "31-downward-wrong-container")
    assert ("limits.cpu", "resourceFieldRef", "/etc/podinfo/cpu_limit", "bad") in lines(diagram)
    assert only(diagram, "Field").state == "no such container"
    assert only(diagram, "File").level == "bad"


def test_a_variable_of_a_field_that_there_is_not_is_drawn_as_broken() -> None:
    env = [{"name": "A", "valueFrom": {"resourceFieldRef": {"containerName": "gone", "resource": "limits.cpu"}}}]
    pod = {"kind": "Pod", "metadata": META, "spec": {"containers": [{"name": "main", "env": env}]}}
    diagram = drawn("downward", [pod])
    assert ("limits.cpu", "resourceFieldRef", "A", "bad") in lines(diagram)
    assert only(diagram, "Variable").level == "bad"


# -- nodes and Services ------------------------------------------------------------------------------


def test_a_silent_node_is_marked_in_every_picture_that_has_it() -> None:
    assert only(drawn("overview", "25-sts-node-lost"), "Node", "w2").level == "unknown"
    assert only(drawn("node", "25-sts-node-lost"), "Node", "w2").level == "unknown"
    frames = {group.name: group.facts for group in drawn("storage", "25-sts-node-lost").groups}
    assert frames == {"minio-0": ("on w1",), "minio-1": ("on w2, which is silent",)}


@pytest.mark.parametrize("report", ["54-service-two-deployments", "26-overlapping-selectors"])
def test_a_service_that_two_deployments_share_says_so(report: str) -> None:
    diagram = drawn("overview", report)
    assert only(diagram, "Service").facts[-1] == "shared by 2 workloads: lake, ui"


def test_a_pod_without_the_port_that_a_service_names_is_marked() -> None:
    def pod(name: str, port: str) -> dict[str, Any]:
        ports = [{"name": port, "containerPort": 8080}]
        spec = {"containers": [{"name": "main", "ports": ports}]}
        return {"kind": "Pod", "metadata": {"name": name, "labels": {"app": "a"}}, "spec": spec}

    ports = [{"port": 80, "targetPort": "http"}]
    service = {"kind": "Service", "metadata": {"name": "s"}, "spec": {"selector": {"app": "a"}, "ports": ports}}
    found = lines(drawn("overview", [pod("good", "http"), pod("bad", "web"), service]))
    assert found == {("s", "selects", "good", ""), ("s", "selects", "bad", "bad")}


# -- whatever a manifest holds -----------------------------------------------------------------------

KINDS = [
    "Pod",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "VolumeAttachment",
    "CSINode",
    "Node",
    "ConfigMap",
    "Secret",
    "Service",
    "EndpointSlice",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "Role",
    "RoleBinding",
    "CronJob",
    "Ingress",
]


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("junk", [3, True, "x", [], [None], [[]], {"a": 1}, {"drivers": 3, "volumes": [3], "ports": 1}])
def test_fields_of_wrong_types_stop_no_story(name: str, junk: object) -> None:
    meta = {"name": "a", "namespace": "d", "labels": junk, "annotations": junk, "ownerReferences": junk}
    fields = {"spec": junk, "status": junk, "data": junk, "endpoints": junk, "rules": junk, "subjects": junk}
    objects = [{"kind": kind, "metadata": meta, **fields} for kind in KINDS]
    assert drawn(name, objects).story
