"""The simulated kubelet: a Pod's statuses, Events and files follow one another as the recorded kubelet's did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from k8sviz.cluster import RECORDED, Cluster, Refused
from k8sviz.history import History
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.pods import pod_status
from k8sviz.sources.recording import read

LABS = Path(__file__).parents[1] / "data" / "labs"


def lab(name: str) -> tuple[History, Cluster]:
    """A lab's recording, and a cluster that begins as it did."""
    history = read(LABS / name / "recording.jsonl")
    return history, Cluster(list(history.at(0.0)), settings=RECORDED)


def manifest(history: History, file: str) -> list[dict[str, Any]]:
    written = next(step.files[file] for step in history.steps if file in step.files)
    found = []
    for each in yaml.safe_load_all(written):
        each["metadata"].setdefault("namespace", "demo")
        found.append(each)
    return found


def shapes(history: History, name: str) -> list[Any]:
    """What the statuses of a Pod say, one after the other, without times, addresses and identifiers."""
    found: list[Any] = []
    for event in history.versions("Pod", name):
        status = event.object["status"]
        conditions = [(text(c, "type"), text(c, "status"), text(c, "reason")) for c in listed(status, "conditions")]
        states = [
            (part, each["name"], list(each["state"]), list(each["lastState"]), each["ready"], each["restartCount"])
            for part in ("initContainerStatuses", "containerStatuses")
            for each in listed(status, part)
        ]
        shape = (
            event.type,
            status["phase"],
            conditions,
            states,
            "podIP" in status,
            "deletionTimestamp" in event.object["metadata"],
        )
        if shape not in found[-1:]:
            found.append(shape)
    return found


def test_a_pods_statuses_are_those_that_the_real_kubelet_wrote() -> None:
    real, cluster = lab("ch06-emptydir")
    [pod] = manifest(real, "fortune.yaml")
    cluster.api.create(pod)
    cluster.run(6)
    cluster.exec(cluster.api.get("pod", "fortune", "demo"), "html-generator", ["touch", "/tmp/crash"])
    cluster.run(5)
    cluster.api.delete("pod", "fortune", "demo")
    assert cluster.settle()
    recorded = shapes(real, "fortune")
    until = next(i for i, shape in enumerate(recorded) if shape[0] == "DELETED") + 1
    assert shapes(cluster.history, "fortune") == recorded[:until]


def test_init_containers_run_first_and_their_files_stay() -> None:
    real, cluster = lab("ch06-hostpath-gitrepo")
    [pod] = manifest(real, "init-content.yaml")
    cluster.api.create(pod)
    assert cluster.settle()
    made = cluster.api.get("pod", "init-content", "demo")
    assert cluster.exec(made, "web", ["wget", "-qO-", "localhost"])[1] == "<h1>content fetched once, at start</h1>\n"
    assert shapes(cluster.history, "init-content") == shapes(real, "init-content")


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "busybox:1.37", "command": ["sleep", "infinity"], **spec.pop("main", {})}
    meta = {"name": name, "labels": {"app": name}}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [container], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


@pytest.fixture
def cluster() -> Cluster:
    status = {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"}, "addresses": []}
    meta = {"name": "node-a", "labels": {"kubernetes.io/hostname": "node-a"}}
    return Cluster([{"apiVersion": "v1", "kind": "Node", "metadata": meta, "status": status}])


def status_of(cluster: Cluster, name: str = "p") -> str:
    return pod_status(cluster.api.get("pod", name))


def reasons(cluster: Cluster, name: str = "p") -> list[tuple[str, str]]:
    found = [e for e in cluster.api.list("Event") if e["involvedObject"]["name"] == name]
    return [(text(e, "reason"), text(e, "message")) for e in found]


def test_a_container_that_keeps_crashing_waits_longer_each_time(cluster: Cluster) -> None:
    cluster.api.create(pod(main={"command": ["sh", "-c", "echo no; exit 3"]}))
    cluster.settle()
    assert status_of(cluster) == "CrashLoopBackOff"
    cluster.run(100)
    [status] = listed(cluster.api.get("pod", "p"), "status", "containerStatuses")
    assert status["restartCount"] == 4  # at once, after 10, 20 and 40 seconds
    assert mapping(status, "lastState", "terminated")["exitCode"] == 3
    said = [message for reason, message in reasons(cluster) if reason == "BackOff"]
    assert said[0].startswith("Back-off restarting failed container main in pod p_default(")
    assert cluster.logs(cluster.api.get("pod", "p"), previous=True) == "no\n"


def test_what_is_missing_keeps_a_pod_waiting_until_it_is_there(cluster: Cluster) -> None:
    reference = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "a"}}}
    cluster.api.create(pod(main={"env": [reference]}))
    volume = {"name": "c", "configMap": {"name": "late"}}
    cluster.api.create(pod("v", volumes=[volume], main={"volumeMounts": [{"name": "c", "mountPath": "/c"}]}))
    cluster.settle()
    assert (status_of(cluster), status_of(cluster, "v")) == ("CreateContainerConfigError", "ContainerCreating")
    assert ("Failed", 'Error: configmap "late" not found') in reasons(cluster)
    failed = 'MountVolume.SetUp failed for volume "c" : configmap "late" not found'
    assert ("FailedMount", failed) in reasons(cluster, "v")
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}, "data": {"a": "one"}}
    cluster.api.create(made)
    cluster.settle()
    assert (status_of(cluster), status_of(cluster, "v")) == ("Running", "Running")
    assert cluster.exec(cluster.api.get("pod", "p"), "", ["sh", "-c", "echo $A"])[1] == "one\n"
    assert cluster.exec(cluster.api.get("pod", "v"), "", ["cat", "/c/a"])[1] == "one"


def test_a_changed_config_map_reaches_files_late_and_never_variables_or_sub_paths(cluster: Cluster) -> None:
    cluster.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "old"}})
    mounts = [{"name": "c", "mountPath": "/c"}, {"name": "c", "mountPath": "/one", "subPath": "a"}]
    source = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a"}}}
    volumes = [{"name": "c", "configMap": {"name": "c"}}]
    cluster.api.create(pod(volumes=volumes, main={"volumeMounts": mounts, "env": [source]}))
    cluster.settle()
    cluster.api.patch("cm", "c", "", {"data": {"a": "new"}})

    def seen() -> str:
        return cluster.exec(cluster.api.get("pod", "p"), "", ["sh", "-c", "echo $(cat /c/a) $(cat /one) $A"])[1]

    cluster.run(10)
    assert seen() == "old old old\n"
    cluster.run(120)
    assert seen() == "new old old\n"


def test_probes_find_out_and_recover(cluster: Cluster) -> None:
    probe = {"httpGet": {"path": "/index.html", "port": 80}, "periodSeconds": 1, "failureThreshold": 3}
    script = "mkdir /www; echo hi > /www/index.html; httpd -f -p 80 -h /www"
    cluster.api.create(pod(main={"command": ["sh", "-c", script], "readinessProbe": probe}))
    cluster.settle()
    made = cluster.api.get("pod", "p")
    assert [c["status"] for c in made["status"]["conditions"] if c["type"] == "Ready"] == ["True"]
    cluster.exec(made, "", ["rm", "/www/index.html"])
    cluster.run(5)
    made = cluster.api.get("pod", "p")
    assert made["status"]["containerStatuses"][0]["ready"] is False
    assert ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404") in reasons(cluster)
    cluster.exec(made, "", ["sh", "-c", "echo back > /www/index.html"])
    cluster.run(2)
    assert cluster.api.get("pod", "p")["status"]["containerStatuses"][0]["ready"] is True


def test_a_liveness_probe_that_fails_restarts_the_container(cluster: Cluster) -> None:
    probe = {"exec": {"command": ["cat", "/tmp/alive"]}, "periodSeconds": 5, "failureThreshold": 1}
    cluster.api.create(
        pod(
            main={
                "command": ["sh", "-c", "touch /tmp/alive; sleep 12; rm /tmp/alive; sleep 600"],
                "livenessProbe": probe,
            }
        )
    )
    cluster.run(10)
    assert cluster.api.get("pod", "p")["status"]["containerStatuses"][0]["restartCount"] == 0
    cluster.run(12)
    assert cluster.api.get("pod", "p")["status"]["containerStatuses"][0]["restartCount"] == 1
    assert ("Killing", "Container main failed liveness probe, will be restarted") in reasons(cluster)


def test_an_image_that_is_not_there(cluster: Cluster) -> None:
    cluster.api.create(pod(main={"image": "busybox:does-not-exist"}))
    cluster.run(5)
    assert status_of(cluster) == "ErrImagePull"
    cluster.run(20)
    assert status_of(cluster) == "ImagePullBackOff"
    with pytest.raises(Refused, match='container "main" in pod "p" is waiting to start: trying and failing to pull'):
        cluster.logs(cluster.api.get("pod", "p"))


def test_what_a_program_does_can_be_declared(cluster: Cluster) -> None:
    made = pod(restartPolicy="Never", main={"image": "example.com/shop:7", "command": ["/shop"]})
    made["metadata"]["annotations"] = {
        "k8sviz.io/behaviour": '{"main": {"exit": 137, "after": 4, "reason": "OOMKilled"}}'
    }
    cluster.api.create(made)
    cluster.run(8)
    assert status_of(cluster) == "OOMKilled"
    assert cluster.api.get("pod", "p")["status"]["phase"] == "Failed"


def test_a_volume_of_a_pod_dies_with_it_and_a_nodes_folder_does_not(cluster: Cluster) -> None:
    volumes = [{"name": "e", "emptyDir": {}}, {"name": "h", "hostPath": {"path": "/tmp/kept"}}]
    mounts = [{"name": "e", "mountPath": "/e"}, {"name": "h", "mountPath": "/h"}]
    for expected in ("x\n", "x\nx\n"):
        cluster.api.create(pod(volumes=volumes, main={"volumeMounts": mounts}))
        cluster.settle()
        made = cluster.api.get("pod", "p")
        cluster.exec(made, "", ["sh", "-c", "echo x >> /e/log; echo x >> /h/log"])
        assert cluster.exec(made, "", ["cat", "/e/log"])[1] == "x\n"
        assert cluster.exec(made, "", ["cat", "/h/log"])[1] == expected
        cluster.api.delete("pod", "p")
        cluster.settle()


def test_a_budget_keeps_pods_from_being_evicted_until_others_are_ready(cluster: Cluster) -> None:
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": spec}
    cluster.api.create(budget)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod()["spec"]}
    workload = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    meta = {"name": "web"}
    cluster.api.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": workload})
    cluster.settle()
    first, second = cluster.api.list("Pod")
    cluster.evict(first)
    with pytest.raises(Refused) as refused:
        cluster.evict(second)
    assert (refused.value.code, str(refused.value)) == (
        429,
        "Cannot evict pod as it would violate the pod's disruption budget.",
    )
    assert refused.value.details["causes"][0]["message"] == (
        "The disruption budget web needs 1 healthy pods and has 1 currently"
    )
    cluster.settle()
    assert cluster.evict(second)["metadata"]["deletionTimestamp"]


def test_a_silent_kubelet_says_nothing_until_it_is_back(cluster: Cluster) -> None:
    cluster.api.create(pod())
    cluster.settle()
    cluster.stop_kubelet("node-a")
    cluster.api.delete("pod", "p")
    cluster.run(60)
    assert status_of(cluster) == "Terminating"
    cluster.start_kubelet("node-a")
    cluster.run(10)
    assert cluster.api.list("pod") == []


def test_a_program_that_listens_to_sigterm_ends_at_once(cluster: Cluster) -> None:
    spec = {"terminationGracePeriodSeconds": 20}
    cluster.api.create(pod("traps", main={"command": ["sh", "-c", "trap 'exit 0' TERM; sleep infinity"]}, **spec))
    cluster.api.create(pod("deaf", **spec))
    cluster.settle()
    for name in ("traps", "deaf"):
        cluster.api.delete("pod", name)
    cluster.run(5)
    assert [each["metadata"]["name"] for each in cluster.api.list("pod")] == ["deaf"]
    cluster.run(20)
    assert cluster.api.list("pod") == []
