"""The predictions must answer as a real cluster did (tests/cases), and as the recorded clusters printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from k8sviz.predict import predict_binding, predict_environment, predict_files

CASES = Path(__file__).parent / "cases"


def cases(name):
    return [pytest.param(case, id=case["id"]) for case in json.loads((CASES / f"{name}.json").read_text())]


@pytest.mark.parametrize("case", cases("binding"))
def test_binding(case):
    found = predict_binding([*case["volumes"], *case["claims"]]).to_json()
    assert found["bound"] == case["bound"]
    assert list(found["why"]) == list(case["bound"])


@pytest.mark.parametrize("case", cases("env"))
def test_environment(case):
    found = predict_environment([*case["objects"], case["pod"]]).to_json()
    assert found == {case["pod"]["metadata"]["name"]: {"main": case["env"]}}


@pytest.mark.parametrize("case", cases("files"))
def test_files(case):
    found = predict_files([*case["objects"], case["pod"]]).to_json()
    assert found == {case["pod"]["metadata"]["name"]: {"main": case["files"]}}


@pytest.mark.parametrize("name", ["binding", "env", "files"])
def test_predictions_are_plain_json_and_leave_their_input_alone(name):
    for case in json.loads((CASES / f"{name}.json").read_text()):
        before = json.dumps(case, sort_keys=True)
        manifests = [*case.get("volumes", ()), *case.get("claims", ()), *case.get("objects", ())]
        manifests += [case["pod"]] if "pod" in case else []
        for predict in (predict_binding, predict_environment, predict_files):
            found = predict(manifests).to_json()
            assert json.loads(json.dumps(found)) == found
        assert json.dumps(case, sort_keys=True) == before


def claim(name, *, class_name=None, namespace=None, **spec):
    whole = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    if class_name is not None:
        whole["storageClassName"] = class_name
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": whole}


def volume(name, size="1Gi", modes=("ReadWriteOnce",), **spec):
    whole = {"accessModes": list(modes), "capacity": {"storage": size}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": whole}


def storage_class(name, *, default=False, **fields):
    notes = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    metadata = {"name": name, "annotations": notes}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata, **fields}


def test_a_waiting_class_waits_unless_a_volume_is_reserved():
    waiting = storage_class("local", provisioner="x", volumeBindingMode="WaitForFirstConsumer")
    reserved = volume("pv-b", storageClassName="local", claimRef={"name": "b", "namespace": "default"})
    manifests = [waiting, volume("pv-a", storageClassName="local"), reserved]
    found = predict_binding([*manifests, claim("a", class_name="local"), claim("b", class_name="local")]).to_json()
    assert found["bound"] == {"a": None, "b": "pv-b"}
    assert found["why"]["a"]["code"] == "waits-for-first-consumer"
    assert found["why"]["a"]["volumes"]["pv-a"][0]["code"] == "left-to-scheduler"


def test_a_named_volume_is_bound_though_the_class_waits():
    waiting = storage_class("local", volumeBindingMode="WaitForFirstConsumer")
    manifests = [waiting, volume("pv", storageClassName="local"), claim("a", class_name="local", volumeName="pv")]
    assert predict_binding(manifests).to_json()["bound"] == {"a": "pv"}


def test_the_default_class_goes_to_claims_without_a_class_alone():
    manifests = [
        storage_class("standard", default=True, provisioner="rancher.io/local-path"),
        volume("plain"),
        claim("none"),
        claim("empty", class_name=""),
    ]
    found = predict_binding(manifests).to_json()
    assert found["bound"] == {"none": None, "empty": "plain"}
    assert found["why"]["none"]["code"] == "provisioned"


def test_a_claim_from_before_the_default_class_may_still_take_a_volume_of_no_class():
    old = claim("old") | {"status": {"phase": "Pending"}}
    standard = storage_class("standard", default=True)
    assert predict_binding([standard, volume("plain"), old]).to_json()["bound"] == {"old": "plain"}
    assert predict_binding([standard, old]).to_json()["why"]["old"]["facts"]["class"] == "standard"


def test_claims_of_one_name_in_two_namespaces_are_told_apart():
    found = predict_binding([volume("pv"), claim("data", namespace="a"), claim("data", namespace="b")]).to_json()
    assert found["bound"] == {"a/data": "pv", "b/data": None}


def test_a_bound_claim_keeps_its_volume_or_is_lost():
    notes = {"pv.kubernetes.io/bind-completed": "yes"}
    bound = claim("data", volumeName="pv")
    bound["metadata"] |= {"annotations": notes, "uid": "1"}
    held = volume("pv", claimRef={"name": "data", "namespace": "default", "uid": "1"})
    other = volume("pv", claimRef={"name": "data", "namespace": "default", "uid": "2"})
    assert predict_binding([held, bound]).to_json()["bound"] == {"data": "pv"}
    assert predict_binding([other, bound]).to_json()["why"]["data"]["code"] == "lost"


def pod(name="web", containers=(), **spec):
    whole = {"automountServiceAccountToken": False, "containers": list(containers), **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": whole}


def test_a_missing_reference_stops_its_container_and_says_which():
    variable = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "gone", "key": "a"}}}
    containers = [{"name": "main", "env": [variable]}, {"name": "beside", "env": [{"name": "B", "value": "1"}]}]
    found = predict_environment([pod("web", containers)]).to_json()
    reason = found["why"]["web"]["containers"]["main"][0]
    assert found["web"] == {"beside": {"B": "1"}}
    assert (reason["code"], reason["facts"]["name"], reason["facts"]["variable"]) == (
        "config-map-not-found",
        "gone",
        "A",
    )


def test_a_missing_volume_source_stops_every_container_but_only_if_mounted():
    volumes = [{"name": "v", "configMap": {"name": "gone"}}]
    mounted = {"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    found = predict_files([pod("web", [mounted, {"name": "beside"}], volumes=volumes)]).to_json()
    assert found["web"] == {}
    assert found["why"]["web"]["pod"][0]["code"] == "config-map-not-found"
    assert predict_files([pod("web", [{"name": "main"}], volumes=volumes)]).to_json() == {"web": {"main": {}}}


def test_what_comes_after_a_failed_init_container_waits():
    bad = {"name": "bad", "envFrom": [{"secretRef": {"name": "gone"}}]}
    init = [{"name": "first"}, bad, {"name": "later"}]
    found = predict_environment([pod("web", [{"name": "main"}], initContainers=init)]).to_json()
    assert found["web"] == {"first": {}}
    codes = {name: reasons[0]["code"] for name, reasons in found["why"]["web"]["containers"].items()}
    waits = "waits-for-init-container"
    assert codes == {"bad": "secret-not-found", "later": waits, "main": waits}


def test_a_refused_pod_starts_nothing():
    containers = [{"name": "main", "env": [{"name": "N", "value": 5}]}, {"name": "beside"}]
    found = predict_environment([pod("web", containers)]).to_json()
    assert found["web"] == {}
    assert found["why"]["web"]["refused"][0]["code"] == "value-not-a-string"


def test_sidecars_and_ephemeral_containers_are_predicted():
    extra = {
        "initContainers": [{"name": "proxy", "restartPolicy": "Always"}],
        "ephemeralContainers": [{"name": "debug"}],
    }
    assert list(predict_environment([pod("web", [{"name": "main"}], **extra)]).to_json()["web"]) == [
        "proxy",
        "main",
        "debug",
    ]


def test_the_token_volume_is_added_as_admission_does():
    whole = pod("web", [{"name": "main"}])
    del whole["spec"]["automountServiceAccountToken"]
    folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    found = predict_files([whole], namespace="demo").to_json()["web"]["main"]
    assert found == {
        f"{folder}/ca.crt": {"mode": "644", "base64": None},
        f"{folder}/namespace": {"mode": "644", "base64": "ZGVtbw=="},
        f"{folder}/token": {"mode": "644", "base64": None},
    }
    account = {"kind": "ServiceAccount", "metadata": {"name": "default"}, "automountServiceAccountToken": False}
    assert predict_files([account, whole]).to_json() == {"web": {"main": {}}}


def test_lists_are_read_and_a_later_object_replaces_an_earlier():
    def config(value):
        return {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"A": value}}

    containers = [{"name": "main", "envFrom": [{"configMapRef": {"name": "c"}}]}]
    manifests = [{"kind": "List", "items": [config("old"), pod("web", containers)]}, config("new")]
    assert predict_environment(manifests).to_json() == {"web": {"main": {"A": "new"}}}
