"""Writes the cases in cases.jsonl: what once was predicted otherwise than Kubernetes answers, one thing a case.

`python -m tests.oracle.made > tests/oracle/cases.jsonl`; the oracle's answers to them are in answers.jsonl. Some random
cases follow, so that a change which breaks something else is seen without Go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tests.oracle.generate import Maker, binding_case, pods_case, rollout_case, stateful_case

JSON = dict[str, Any]
_NOT_TEXT = "//4="  # base64 of two bytes that are no UTF-8
_RANDOM = 25


def config(name: str, **data: object) -> JSON:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}, "data": data}


def secret(name: str, **parts: object) -> JSON:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "demo"}, **parts}


def container(name: str = "main", mounts: tuple[JSON, ...] = (), **fields: object) -> JSON:
    return {"name": name, "image": "busybox:1.37", "volumeMounts": list(mounts), **fields}


def mount(volume: str, path: str, **fields: object) -> JSON:
    return {"name": volume, "mountPath": path, **fields}


def pod(*containers: JSON, volumes: tuple[JSON, ...] = (), **fields: object) -> JSON:
    spec = {"automountServiceAccountToken": False, "containers": list(containers), "volumes": list(volumes), **fields}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "demo"}, "spec": spec}


def of(name: str) -> JSON:
    """A volume of the ConfigMap with its name."""
    return {"name": name, "configMap": {"name": name}}


def items(name: str, *paths: str) -> JSON:
    return {"name": name, "configMap": {"name": name, "items": [{"key": "a", "path": path} for path in paths]}}


def _mounts() -> Iterator[tuple[str, list[JSON]]]:
    a, b = config("a", a="1", b="2", sub="3"), config("b", a="4")
    inside = container(mounts=(mount("a", "/etc/app"), mount("b", "/etc/app/conf.d")))
    yield "mount-inside-a-mount", [a, b, pod(inside, volumes=(of("a"), of("b")))]
    deep = (mount("a", "/etc/app"), mount("b", "/etc/app/x/y"), mount("c", "/etc/app/x/y/z"))
    yield (
        "mounts-inside-mounts",
        [a, b, config("c", a="5"), pod(container(mounts=deep), volumes=(of("a"), of("b"), of("c")))],
    )
    over = container("beside", mounts=(mount("a", "/etc/app"),))
    hides = container(mounts=(mount("a", "/etc/app"), mount("b", "/etc/app/sub")))
    yield "mount-point-hides-a-file-from-all", [a, b, pod(hides, over, volumes=(of("a"), of("b")))]
    folder = container(mounts=(mount("a", "/etc/app"), mount("b", "/etc/app/x/new")))
    yield "mount-point-hides-a-folder", [a, b, pod(folder, volumes=(items("a", "x/a", "y/a"), of("b")))]
    one_file = container(mounts=(mount("a", "/etc/app"), mount("b", "/etc/app/a", subPath="a")))
    yield "one-file-inside-a-mount", [a, b, pod(one_file, volumes=(of("a"), of("b")))]
    below_sub = container(mounts=(mount("a", "/etc/app", subPath="x"), mount("b", "/etc/app/in")))
    yield "mount-inside-a-sub-path", [a, b, pod(below_sub, volumes=(items("a", "x/a"), of("b")))]
    data = container(mounts=(mount("a", "/etc/app"), mount("b", "/etc/app/..data")))
    yield "mount-at-the-data-link", [a, b, pod(data, volumes=(of("a"), of("b")))]
    empty: JSON = {"name": "e", "emptyDir": {}}
    for name, fields in (("read-only", {"readOnly": True}), ("writable", {})):
        both = container(mounts=(mount("e", "/data", **fields), mount("a", "/data/in")))
        yield f"mount-inside-a-{name}-empty-dir", [a, pod(both, volumes=(empty, of("a")))]
    yield "config-map-over-etc", [a, pod(container(mounts=(mount("a", "/etc"),)), volumes=(of("a"),))]
    hosts = config("a", hosts="127.0.0.1 localhost") | {"binaryData": {"hostname": "YQ==", "resolv.conf": ""}}
    yield (
        "config-map-over-etc-with-its-files",
        [hosts, pod(container(mounts=(mount("a", "/etc"),)), volumes=(of("a"),))],
    )
    log = container(mounts=(mount("a", "/log"),), terminationMessagePath="/log/end")
    yield "termination-log-in-a-config-map", [a, pod(log, volumes=(of("a"),))]
    yield "path-is-the-volume", [a, pod(container(mounts=(mount("a", "/a"),)), volumes=(items("a", "."),))]


def _variables() -> Iterator[tuple[str, list[JSON]]]:
    nothing = config("a", a=None, b="2")
    empty = secret("s", data={"x": None}, stringData={"y": None})
    sources = [{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "s"}}]
    mounts = (mount("a", "/a"), mount("s", "/s"))
    volumes = (of("a"), {"name": "s", "secret": {"secretName": "s"}})
    yield "null-is-empty", [nothing, empty, pod(container(mounts=mounts, envFrom=sources), volumes=volumes)]
    odd = secret("s", data={"NUL": "YQBi", "BYTES": _NOT_TEXT, "GOOD": "eA=="})

    def env(*entries: tuple[str, str]) -> list[JSON]:
        refs = {"NUL": "NUL", "BYTES": "BYTES", "GOOD": "GOOD"}
        return [
            {"name": name, "valueFrom": {"secretKeyRef": {"name": "s", "key": refs[value]}}}
            if value in refs
            else {"name": name, "value": value}
            for name, value in entries
        ]

    for name, entries in {
        "nul-stops": (("A", "NUL"),),
        "nul-overridden": (("A", "NUL"), ("A", "GOOD")),
        "nul-handed-on": (("A", "NUL"), ("B", "$(A)"), ("A", "GOOD")),
        "bytes-stop": (("A", "BYTES"),),
        "bytes-overridden": (("A", "BYTES"), ("A", "ok")),
        "bytes-handed-on": (("A", "BYTES"), ("B", "x$(A)"), ("A", "ok")),
    }.items():
        yield name, [odd, pod(container(env=env(*entries)))]
    over = [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "a"}}]
    yield "nul-overridden-by-env-from", [odd, config("a", NUL="1", BYTES="2"), pod(container(envFrom=over))]
    pages = {"limits": {"hugepages-2Mi": "4Mi", "memory": "64Mi", "cpu": "1"}}
    asked = [
        {"name": f"V{i}", "valueFrom": {"resourceFieldRef": {"resource": resource}}}
        for i, resource in enumerate(
            ("limits.hugepages-2Mi", "requests.hugepages-2Mi", "limits.hugepages-1Gi", "limits.hugepages-")
        )
    ]
    yield "huge-pages", [pod(container(env=asked, resources=pages))]


def _resources() -> Iterator[tuple[str, list[JSON]]]:
    node = Maker("").node()

    def shows(name: str, *of: str) -> JSON:
        refs = [{"resource": "limits.memory", "divisor": "1Mi"} | ({"containerName": one} if one else {}) for one in of]
        return container(
            name, env=[{"name": f"V{i}", "valueFrom": {"resourceFieldRef": r}} for i, r in enumerate(refs)]
        )

    first = shows("first", "", "first", "main")
    yield "an-init-container-without-limit", [node, pod(shows("main", "", "first", "main"), initContainers=[first])]


def volume(name: str, size: str, *modes: str, **fields: object) -> JSON:
    spec = {"accessModes": list(modes), "capacity": {"storage": size}, "hostPath": {"path": "/tmp/x"}, **fields}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def claim(name: str, size: str, *modes: str, **fields: object) -> JSON:
    spec = {"accessModes": list(modes), "resources": {"requests": {"storage": size}}, "storageClassName": "", **fields}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "demo"},
        "spec": spec,
    }


def _bindings() -> Iterator[tuple[str, list[JSON]]]:
    rwo, rox, rwx = "ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"
    large, small = volume("large", "9Gi", rwo, rox), volume("small", "1Gi", rwx, rwo)
    yield "sets-of-one-length", [large, small, claim("c", "1Gi", rwo)]
    reserved = volume("reserved", "1Gi", rwx, rwo, claimRef={"name": "c", "namespace": "demo"})
    yield "reserved-in-another-set", [large, reserved, claim("c", "1Gi", rwo)]
    taken = volume("other", "5Gi", rwo, rwx, claimRef={"name": "x", "namespace": "demo"})
    yield "a-set-counts-though-nothing-in-it-fits", [taken, large, small, claim("c", "1Gi", rwo)]


def _rollouts() -> Iterator[tuple[str, list[JSON]]]:
    def replica_set(number: int, size: int, wanted: int, limit: int, **parts: Any) -> JSON:
        found = Maker("").replica_set(number, number, wanted)
        prefix = "deployment.kubernetes.io"
        found["metadata"]["annotations"] |= {
            f"{prefix}/max-replicas": str(limit),
            f"{prefix}/revision": str(number + 1),
        }
        found["metadata"]["annotations"] |= parts.get("notes", {})
        found["spec"]["replicas"] = size
        return {**found, "status": {"replicas": size, "availableReplicas": parts.get("available", size)}}

    def deployment(version: int, replicas: int, surge: int = 1, unavailable: int = 0, **spec: object) -> JSON:
        found = Maker("").deployment(replicas)
        rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
        fields = {
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            "template": Maker("").template(version),
        }
        keys = ("replicas", "selector")
        return {**found, "spec": {key: found["spec"][key] for key in keys} | fields | spec}

    yield "replicas-and-version-at-once", [deployment(2, 6), replica_set(1, 3, 3, 4)]
    yield "saturated-only-as-last-scaled", [deployment(2, 5), replica_set(1, 6, 10, 11), replica_set(2, 5, 10, 11)]
    last = {"notes": {"deployment.kubernetes.io/revision": "9"}}
    gone = [replica_set(0, 0, 1, 2, **last), replica_set(2, 0, 1, 2), replica_set(3, 1, 1, 2)]
    yield "lowest-revision-is-forgotten", [deployment(3, 1, paused=True, revisionHistoryLimit=1), *gone]
    shares = [replica_set(i, size, 10, limit) for i, size, limit in ((1, 6, 9), (2, 3, 30), (3, 2, 30))]
    yield "nothing-left-to-share", [deployment(3, 12, surge=0, unavailable=1), *shares]


def _sets() -> Iterator[tuple[str, list[JSON]]]:
    def stateful_set(replicas: int, **spec: object) -> JSON:
        found = Maker("").stateful_set(replicas, "r2")
        fields = {key: found["spec"][key] for key in ("selector", "serviceName", "template")}
        status = {"currentRevision": "r1", "currentReplicas": 1, "replicas": replicas}
        return {**found, "status": status, "spec": {"replicas": replicas, **fields, **spec}}

    def member(ordinal: int, revision: str, ready: str = "True") -> JSON:
        found = Maker("").stateful_pod(ordinal, revision)
        found["metadata"].pop("deletionTimestamp", None)
        conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T11:00:00Z"}]
        return {**found, "status": {"phase": "Running", "conditions": conditions}}

    parallel = {"podManagementPolicy": "Parallel"}
    old = [member(i, "r1") for i in range(4)]
    many = {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 3}}}
    yield "max-unavailable-is-off-by-default", [stateful_set(4, **many, **parallel), *old]
    yield "a-parallel-set-with-a-broken-pod", [stateful_set(3, **parallel), member(0, "r1", "False"), *old[1:3]]
    waits = [member(0, "r1"), member(1, "r1"), member(2, "r2", "False")]
    yield "an-updated-pod-that-is-broken", [stateful_set(3, **parallel), *waits]
    yield "making-and-updating-at-once", [stateful_set(4, **parallel), *old[:2], old[3]]
    yield "no-strategy-at-all", [stateful_set(2), old[1]]
    yield "a-bare-strategy", [stateful_set(2, updateStrategy={"type": "RollingUpdate"}), old[1]]


def main() -> None:
    made: dict[str, Iterable[tuple[str, list[JSON]]]] = {
        "pods": (*_mounts(), *_variables(), *_resources()),
        "binding": _bindings(),
        "rollout": _rollouts(),
        "stateful": _sets(),
    }
    for kind, found in made.items():
        for name, objects in found:
            print(json.dumps({"id": name, "kind": kind, "objects": objects}))
    plain = [seed for seed in (f"kept-{i}" for i in range(_RANDOM * 4)) if not Maker(seed).odd]
    for seed in plain[:_RANDOM]:
        print(json.dumps(pods_case(seed)))
        print(json.dumps(binding_case(seed)))
        print(json.dumps(rollout_case(seed)))
        print(json.dumps(stateful_case(seed)))


if __name__ == "__main__":
    main()
