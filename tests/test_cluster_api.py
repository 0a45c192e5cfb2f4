"""The API of the simulated cluster: what is written is there, what is refused is refused as the real one refuses."""

from __future__ import annotations

from typing import Any

import pytest

from k8sviz.cluster import Cluster, Refused


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def config(name: str = "settings", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


def test_an_object_is_completed_and_found(cluster: Cluster) -> None:
    made = cluster.api.create(config(size="5"))
    assert made["metadata"]["uid"]
    assert made["metadata"]["creationTimestamp"] == cluster.clock.stamp()
    assert cluster.api.get("cm", "settings", "default") == made
    assert cluster.api.list("configmaps", "default") == [made]


def test_what_is_not_there_and_what_is_there_twice(cluster: Cluster) -> None:
    with pytest.raises(Refused) as missing:
        cluster.api.get("deploy", "kubia", "default")
    assert (missing.value.code, str(missing.value)) == (404, 'deployments.apps "kubia" not found')
    cluster.api.create(config())
    with pytest.raises(Refused, match='configmaps "settings" already exists'):
        cluster.api.create(config())


def test_an_old_version_is_a_conflict(cluster: Cluster) -> None:
    first = cluster.api.create(config(size="5"))
    cluster.api.replace({**first, "data": {"size": "6"}})
    with pytest.raises(Refused, match="the object has been modified"):
        cluster.api.replace({**first, "data": {"size": "7"}})


def test_what_changes_nothing_is_not_written(cluster: Cluster) -> None:
    first = cluster.api.create(config(size="5"))
    assert cluster.api.replace(first) == first
    assert cluster.api.patch("cm", "settings", "default", {"data": {"size": "5"}}) == first
    assert len(cluster.history.versions("ConfigMap", "settings")) == 1


def test_finalizers_hold_an_object(cluster: Cluster) -> None:
    made = config()
    made["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.api.create(made)
    marked = cluster.api.delete("cm", "settings", "default")
    assert marked["metadata"]["deletionTimestamp"] == cluster.clock.stamp()
    cluster.api.patch("cm", "settings", "default", {"metadata": {"finalizers": None}}, type="merge")
    assert cluster.api.list("cm") == []


def test_the_history_folds_to_what_the_api_lists(cluster: Cluster) -> None:
    for name in ("a", "b", "c"):
        cluster.api.create(config(name))
    cluster.api.delete("cm", "b", "default")
    cluster.api.patch("cm", "c", "default", [{"op": "add", "path": "/data", "value": {"k": "v"}}], type="json")
    assert cluster.history.at().objects("ConfigMap") == cluster.api.list("cm")


def test_watchers_hear_of_writes_in_their_order(cluster: Cluster) -> None:
    heard: list[tuple[str, str]] = []

    def watch(kind: str, obj: dict[str, Any]) -> None:
        heard.append((kind, obj["metadata"]["name"]))
        if kind == "ADDED" and obj["metadata"]["name"] == "a":
            cluster.api.create(config("b"))

    cluster.api.subscribe(watch)
    cluster.api.subscribe(lambda kind, obj: heard.append((kind, obj["metadata"]["name"].upper())))
    cluster.api.create(config("a"))
    assert heard == [("ADDED", "a"), ("ADDED", "A"), ("ADDED", "b"), ("ADDED", "B")]
