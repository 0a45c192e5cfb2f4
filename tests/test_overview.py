"""The overview: everything once, all that ties it together, exact counts however much there is."""

import pytest

from k8sviz.diagrams.kit.limits import LIMIT
from k8sviz.diagrams.stories.overview import overview
from k8sviz.errors import K8svizError
from k8sviz.history import History, key_of
from k8sviz.kinds import Ref
from k8sviz.render.text import text
from k8sviz.sources import recording
from k8sviz.sources.labs import lab_names, load_lab
from tools.many import cluster

WEB = {"name": "web", "namespace": "demo"}
SPEC = {
    "serviceAccountName": "runner",
    "containers": [
        {
            "name": "main",
            "envFrom": [{"configMapRef": {"name": "settings"}}],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }
    ],
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "disk"}}],
}


def drawn(*objects, **options):
    history = History.of(objects)
    history.partial = True
    return overview(history.at(), **options)


def lines(diagram):
    return {(e.source, e.relation, e.target) for e in diagram.edges}


def deployment(**meta):
    template = {"metadata": {"labels": {"app": "web"}}, "spec": SPEC}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {**WEB, **meta}, "spec": {"template": template}}


def test_a_manifest_without_pods_is_drawn_with_what_its_template_will_use():
    service = {"apiVersion": "v1", "kind": "Service", "metadata": WEB, "spec": {"selector": {"app": "web"}}}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**WEB, "name": "settings"}, "data": {"a": "b"}}
    diagram = drawn(deployment(), service, config)
    assert lines(diagram) == {
        ("Service/demo/web", "selects", "Deployment/demo/web"),
        ("Deployment/demo/web", "uses", "ConfigMap/demo/settings"),
        ("Deployment/demo/web", "claim", "PersistentVolumeClaim/demo/disk"),
        ("Deployment/demo/web", "runs-as", "ServiceAccount/demo/runner"),
    }
    assert diagram.node("PersistentVolumeClaim/demo/disk").state == "not among these"


def test_with_pods_the_pods_use_and_the_owners_own():
    owner = {"kind": "ReplicaSet", "name": "web-1", "uid": "u2", "controller": True}
    above = {"kind": "Deployment", "name": "web", "uid": "u1", "controller": True}
    replicas = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {**WEB, "name": "web-1", "uid": "u2", "ownerReferences": [above]},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**WEB, "name": "web-1-a", "ownerReferences": [owner]},
        "spec": SPEC,
    }
    found = lines(drawn(deployment(uid="u1"), replicas, pod))
    assert ("Deployment/demo/web", "owns", "ReplicaSet/demo/web-1") in found
    assert ("ReplicaSet/demo/web-1", "owns", "Pod/demo/web-1-a") in found
    assert ("Pod/demo/web-1-a", "uses", "ConfigMap/demo/settings") in found
    assert ("Deployment/demo/web", "uses", "ConfigMap/demo/settings") not in found


def test_two_groups_of_one_kind_stay_apart_and_unknown_kinds_are_drawn():
    core = {"apiVersion": "v1", "kind": "Service", "metadata": WEB, "spec": {"selector": {"app": "web"}}}
    knative = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {**WEB, "uid": "k"}}
    owner = {"kind": "Service", "name": "web", "uid": "k", "controller": True}
    route = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Route",
        "metadata": {**WEB, "ownerReferences": [owner]},
        "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "NoTraffic"}]},
    }
    diagram = drawn(core, knative, route)
    assert {n.id for n in diagram.nodes} == {
        "Service/demo/web",
        "Service.serving.knative.dev/demo/web",
        "Route/demo/web",
    }
    assert lines(diagram) == {("Service.serving.knative.dev/demo/web", "owns", "Route/demo/web")}
    assert (diagram.node("Route/demo/web").state, diagram.node("Route/demo/web").level) == ("NoTraffic", "bad")


def test_owners_in_a_circle_and_owners_that_are_gone():
    def owned(kind, uid, by, name, owner):
        owners = [{"kind": by, "name": name, "uid": owner}]
        return {"kind": kind, "metadata": {**WEB, "uid": uid, "ownerReferences": owners}}

    first, second = owned("A", "a", "B", "web", "b"), owned("B", "b", "A", "web", "a")
    lost = owned("C", "c", "D", "gone", "d")
    found = lines(drawn(first, second, lost))
    assert found == {
        ("A/demo/web", "owns", "B/demo/web"),
        ("B/demo/web", "owns", "A/demo/web"),
        ("D/demo/gone", "owns", "C/demo/web"),
    }


@pytest.mark.parametrize("count", [60, 200, 1000])
def test_counts_are_exact_however_much_there_is(count):
    objects = cluster(count)
    diagram = overview(History.of(objects).at())
    assert len(diagram.nodes) <= LIMIT + 50
    kinds = {}
    for obj in objects:
        kinds[obj["kind"]] = kinds.get(obj["kind"], 0) + 1
    namespaces = kinds.pop("Namespace")
    for kind, number in kinds.items():
        there = [n for n in diagram.nodes if n.kind == kind and n.level != "unknown" and "not found" not in n.state]
        assert sum(n.count for n in there) >= number, kind
    frames = sum(g.kind == "Namespace" for g in diagram.groups)
    cards = sum(n.count for n in diagram.nodes if n.kind == "Namespace")
    assert frames + cards == namespaces


def test_ways_in():
    history = History.of(cluster(600))
    one = overview(history.at(), namespace="team-01")
    assert {g.name for g in one.groups} == {"team-01"}
    assert all(n.ref.namespace in ("", "team-01") for n in one.nodes if n.ref)
    around = overview(history.at(), Ref("Deployment", "cart", "team-00"))
    names = {n.kind for n in around.nodes}
    assert {"Deployment", "ReplicaSet", "Pod", "ConfigMap", "Secret"} <= names
    assert all(n.ref is None or n.ref.name.startswith(("cart", "reader")) for n in around.nodes)
    labelled = overview(history.at(), namespace="team-00", selector="app=cart")
    assert {n.kind for n in labelled.nodes} >= names
    with pytest.raises(K8svizError, match="did you mean cart"):
        overview(history.at(), Ref("Deployment", "carts", "team-00"))


@pytest.mark.parametrize("name", lab_names())
def test_every_object_of_every_lab_is_drawn_or_counted(name):
    history = recording.read(load_lab(name).recording)
    snapshot = history.at()
    diagram = overview(snapshot)
    words = text(diagram)
    for obj in snapshot.objects():
        key = key_of(obj)
        if key.kind in ("Event", "Namespace") or key.name in ("kube-root-ca.crt", "default"):
            continue
        assert any(n.kind == key.kind for n in diagram.nodes), key
        if len(diagram.notes) == 0:
            assert key.name in words
