"""What the simulated API server stores must be what the real one stored of the same manifests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from k8sviz.cluster import RECORDED, Cluster, Refused
from k8sviz.errors import K8svizError
from k8sviz.sources.recording import read

LABS = Path(__file__).parents[1] / "data" / "labs"
LAST = "kubectl.kubernetes.io/last-applied-configuration"


def stored() -> Iterator[Any]:
    """(the manifest, what the API server stored of it) of everything that was applied in a lab."""
    for lab in sorted(LABS.iterdir()):
        history = read(lab / "recording.jsonl")
        for event in history:
            written = event.object["metadata"].get("annotations", {}).get(LAST)
            if event.type == "ADDED" and event.t > 0 and written and event.object["kind"] != "ControllerRevision":
                manifest = json.loads(written)
                if manifest["kind"] == event.object["kind"]:
                    name = event.object["metadata"]["name"]
                    yield pytest.param(manifest, event.object, history, event.t, id=f"{lab.name}-{name}-{event.t}")


def comparable(obj: dict[str, Any]) -> dict[str, Any]:
    """Without what is given by chance, and the time."""
    text = json.dumps(obj)
    for volume in obj.get("spec", {}).get("volumes", ()):
        if volume["name"].startswith("kube-api-access-"):
            text = text.replace(volume["name"], "kube-api-access-xxxxx")
    found: dict[str, Any] = json.loads(text)
    for field in ("uid", "resourceVersion", "creationTimestamp", "annotations"):
        found["metadata"].pop(field, None)
    found.get("status", {}).pop("lastPhaseTransitionTime", None)
    if found["kind"] == "Service" and found["spec"]["clusterIP"] != "None":
        found["spec"].pop("clusterIP")
        found["spec"].pop("clusterIPs")
    return found


@pytest.mark.parametrize(("manifest", "real", "history", "t"), list(stored()))
def test_an_object_is_stored_as_the_real_api_server_stored_it(
    manifest: dict[str, Any], real: dict[str, Any], history: Any, t: float
) -> None:
    kinds = ("StorageClass", "ServiceAccount", "ConfigMap")
    before = [obj for kind in kinds for obj in history.at(t - 0.001).objects(kind)]
    cluster = Cluster(
        [obj for obj in before if obj["metadata"]["name"] != manifest["metadata"]["name"]], settings=RECORDED
    )
    assert comparable(cluster.api.create(manifest)) == comparable(real)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


REFUSED = [
    (pod(containers=[{"image": "busybox"}]), 'Pod "p" is invalid: spec.containers[0].name: Required value'),
    (
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "kubia"},
            "spec": {
                "template": {
                    "metadata": {"labels": {"app": "kubia"}},
                    "spec": {"containers": [{"name": "app", "image": "busybox"}]},
                }
            },
        },
        (
            'Deployment.apps "kubia" is invalid: [spec.selector: Required value, spec.template.metadata.labels: '
            'Invalid value: {"app":"kubia"}: `selector` does not match template `labels`]'
        ),
    ),
    (
        pod(containers=[{"name": "a", "image": "b", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]),
        'Pod "p" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ),
    (
        pod(serviceAccountName="robot", containers=[{"name": "a", "image": "b"}]),
        'pods "p" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found',
    ),
    (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "nowhere"}},
        'namespaces "nowhere" not found',
    ),
]


@pytest.mark.parametrize(("manifest", "words"), REFUSED)
def test_a_refusal_has_the_api_servers_words(cluster: Cluster, manifest: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refused:
        cluster.api.create(manifest)
    assert str(refused.value) == words


UNDECODABLE = [
    (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"size": 5}},
        "cannot unmarshal number into Go struct field ConfigMap.data of type string",
    ),
    (
        pod(
            containers=[{"name": "a", "image": "b"}],
            volumes=[{"name": "v", "configMap": {"name": "c", "defaultMode": "660"}}],
        ),
        (
            "cannot unmarshal string into Go struct field "
            "ConfigMapVolumeSource.spec.volumes.VolumeSource.configMap.defaultMode of type int32"
        ),
    ),
]


@pytest.mark.parametrize(("manifest", "words"), UNDECODABLE)
def test_what_cannot_be_decoded_is_named_as_go_names_it(cluster: Cluster, manifest: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refused:
        cluster.api.create(manifest)
    kind = manifest["kind"]
    expected = f'{kind} in version "v1" cannot be handled as a {kind}: json: {words}'
    assert (refused.value.reason, str(refused.value)) == ("BadRequest", expected)


def test_a_refused_change_is_shown_as_the_api_server_shows_it() -> None:
    """Line by line, with the numbers of the lines."""
    history = read(LABS / "ch07-args-env" / "recording.jsonl")
    cluster = Cluster(history.at(history.settled("apply")), settings=RECORDED)
    stored = cluster.api.get("pod", "demo-args", "demo")
    container = stored["spec"]["containers"][0]
    changed = {**container, "args": [*container["args"], "one-more"]}
    with pytest.raises(Refused) as refused:
        cluster.api.replace({**stored, "spec": {**stored["spec"], "containers": [changed]}})
    result = history.step("change-args").result
    assert result is not None
    expected = result.stderr.removeprefix('The Pod "demo-args" is invalid: ').rstrip("\n")
    assert f"spec: {refused.value.details['causes'][0]['message']}".rstrip("\n") == expected


def test_a_claim_that_waits_cannot_ask_for_more(cluster: Cluster) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    cluster.api.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": spec})
    more = {"spec": {"resources": {"requests": {"storage": "5Gi"}}}}
    with pytest.raises(Refused) as refused:
        cluster.api.patch("pvc", "c", "default", more)
    assert '@@ -6,7 +6,7 @@\n  "Resources": {\n' in refused.value.message


def labelled(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def test_a_quota_and_a_security_level_refuse_in_the_plugins_words(cluster: Cluster) -> None:
    spec = {"hard": {"pods": "1"}}
    cluster.api.create({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": spec})
    container = {"name": "a", "image": "b"}
    cluster.api.create(pod(containers=[container]))
    with pytest.raises(Refused) as refused:
        cluster.api.create({**pod(containers=[container]), "metadata": {"name": "two"}})
    assert str(refused.value) == (
        'pods "two" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
    )
    cluster.api.create(labelled("strict", **{"pod-security.kubernetes.io/enforce": "baseline"}))
    cluster.settle()  # the namespace gets its account
    made = pod(containers=[container], volumes=[{"name": "h", "hostPath": {"path": "/"}}])
    made["metadata"]["namespace"] = "strict"
    with pytest.raises(Refused) as refused:
        cluster.api.create(made)
    assert str(refused.value) == (
        'pods "p" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes (volume "h")'
    )


def test_more_replicas_than_can_be_followed_end_in_a_message(cluster: Cluster) -> None:
    spec = {
        "replicas": 10**9,
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "b"}]}},
    }
    with pytest.raises(K8svizError, match="follows 10000 Pods at most"):
        cluster.api.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec})


JUNK = (None, "", "x" * 300, "\x00", -1, 10**40, 1.5, True, [], {}, [[]], {"a": None}, ["a"], [{}], "../..", "$(A)")


def changed(value: Any, random: Random) -> Any:
    """A manifest with a few places replaced by junk, or gone."""
    if isinstance(value, dict):
        found = {key: changed(each, random) for key, each in value.items() if random.random() > 0.02}
        return found if random.random() > 0.02 else random.choice(JUNK)
    if isinstance(value, list):
        return [changed(each, random) for each in value] * (2 if random.random() < 0.02 else 1)
    return value if random.random() > 0.05 else random.choice(JUNK)


@pytest.mark.parametrize("seed", range(8))
def test_hostile_manifests_end_in_a_refusal_or_in_a_cluster_that_goes_on(seed: int) -> None:
    random = Random(seed)
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"allocatable": {"pods": "9"}}}
    cluster = Cluster([node], seed=seed)
    manifests = [param.values[0] for param in stored()]
    for number in range(60):
        made = changed(random.choice(manifests), random)
        if isinstance(made, dict) and isinstance(made.get("metadata"), dict) and made["metadata"].get("namespace"):
            made["metadata"]["namespace"] = "default"
            made["metadata"]["name"] = f"n{number}" if random.random() < 0.9 else made["metadata"].get("name")
        try:
            cluster.api.create(made)
        except K8svizError:
            continue
    cluster.run(30)
    kinds = {event.object["kind"] for event in cluster.history}
    for kind in kinds:
        assert cluster.history.at().objects(kind) == cluster.api.list(kind)


def test_what_never_changes_is_refused(cluster: Cluster) -> None:
    meta = {"name": "c", "namespace": "default"}
    cluster.api.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}, "immutable": True}
    )
    with pytest.raises(Refused, match="data: Forbidden: field is immutable when `immutable` is set"):
        cluster.api.patch("cm", "c", "default", {"data": {"a": "2"}})


def test_an_account_may_do_what_a_role_says_and_no_more(cluster: Cluster) -> None:
    user = "system:serviceaccount:default:default"
    with pytest.raises(Refused) as refused:
        cluster.api.delete("pod", "p", "default", user=user)
    assert str(refused.value) == (
        'pods "p" is forbidden: User "system:serviceaccount:default:default" cannot delete resource "pods" in API '
        'group "" in the namespace "default"'
    )


def test_a_network_address_belongs_to_one_service(cluster: Cluster) -> None:
    def service(name: str, **spec: Any) -> dict[str, Any]:
        spec = {"ports": [{"port": 80}], **spec}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}

    first = cluster.api.create(service("a"))
    with pytest.raises(Refused, match="provided IP is already allocated"):
        cluster.api.create(service("b", clusterIP=first["spec"]["clusterIP"]))
