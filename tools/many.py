"""Makes clusters of any size to measure on: the same objects for the same seed, as `kubectl get -o json` prints them.

    python tools/many.py 5000 -o cluster.json
    python tools/many.py 500 -o cluster.yaml

Each namespace runs several applications: a Deployment with its ReplicaSets and Pods, Service, ConfigMap, Secret and
ServiceAccount; a StatefulSet with claims and PersistentVolumes; a CronJob with Jobs; a DaemonSet.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["cluster", "write_json", "write_yaml"]

Object = dict[str, Any]
_WORDS = ("cart", "checkout", "search", "mail", "ledger", "catalog", "quote", "stock", "review", "login", "feed")
_MADE = "2026-11-23T09:14:31Z"
# what the API server and the kubelet add to what people write
_CONTAINER: Object = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "imagePullPolicy": "IfNotPresent",
    "readinessProbe": {
        "httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    },
}
_POD: Object = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
_PLACED: Object = {
    "tolerations": [
        {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for what in ("not-ready", "unreachable")
    ],
    "priority": 0,
    "enableServiceLinks": True,
    "preemptionPolicy": "PreemptLowerPriority",
}
_TOKEN: Object = {
    "defaultMode": 420,
    "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {
            "downwardAPI": {
                "items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]
            }
        },
    ],
}
_APPLIED = frozenset(
    {
        "ConfigMap",
        "Secret",
        "ServiceAccount",
        "RoleBinding",
        "Ingress",
        "Service",
        "Deployment",
        "StatefulSet",
        "CronJob",
        "DaemonSet",
    }
)


def cluster(count: int, seed: int = 1) -> list[Object]:
    """Exactly `count` objects of mixed namespaces; about 120 in each, or three namespaces when there are fewer."""
    chance = random.Random(seed)  # noqa: S311 - not for keeping secrets
    found = _Maker(chance)
    namespaces = max(3, count // 120)
    names = [f"team-{i:02}" for i in range(namespaces)]
    objects = [*found.shared(names)]
    applications = {name: itertools.count() for name in names}
    while len(objects) < count:
        for name in names:
            objects += found.application(name, next(applications[name]))
            if len(objects) >= count:
                break
    return objects[:count]


class _Maker:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.numbers = itertools.count(1)

    def uid(self) -> str:
        digest = hashlib.sha256(str(next(self.numbers)).encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"

    def object(
        self, api: str, kind: str, name: str, namespace: str = "", owner: Object | None = None, **parts: Any
    ) -> Object:
        labels = parts.pop("labels", None)
        meta: Object = {
            "name": name,
            "uid": self.uid(),
            "resourceVersion": str(next(self.numbers)),
            "creationTimestamp": _MADE,
        }
        if namespace:
            meta["namespace"] = namespace
        if labels:
            meta["labels"] = labels
        if owner is not None:
            meta["ownerReferences"] = [
                {
                    "apiVersion": owner["apiVersion"],
                    "kind": owner["kind"],
                    "name": owner["metadata"]["name"],
                    "uid": owner["metadata"]["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ]
        made = {"apiVersion": api, "kind": kind, "metadata": meta, **parts}
        if kind in _APPLIED:
            applied = {**made, "metadata": {k: meta[k] for k in ("name", "namespace", "labels") if k in meta}}
            applied.pop("status", None)
            text = json.dumps(applied, separators=(",", ":")) + "\n"
            meta["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": text}
        return made

    def shared(self, namespaces: Iterable[str]) -> Iterator[Object]:
        for name in namespaces:
            yield self.object("v1", "Namespace", name, status={"phase": "Active"})
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        for node in ("worker-0", "worker-1", "worker-2"):
            yield self.object("v1", "Node", node, labels={"kubernetes.io/hostname": node}, status=ready)
        yield self.object(
            "storage.k8s.io/v1",
            "StorageClass",
            "standard",
            provisioner="rancher.io/local-path",
            reclaimPolicy="Delete",
            volumeBindingMode="WaitForFirstConsumer",
        )
        yield self.object(
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            "reader",
            rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
        )

    def application(self, namespace: str, number: int) -> Iterator[Object]:
        app = f"{_WORDS[number % len(_WORDS)]}{number // len(_WORDS) or ''}"
        yield from (self.web, self.stateful, self.web, self.batch, self.agent)[number % 5](namespace, app)

    def around(self, namespace: str, app: str) -> Iterator[Object]:
        labels = {"app": app}
        yield self.object(
            "v1",
            "ConfigMap",
            f"{app}-config",
            namespace,
            labels=labels,
            data={"mode": "fast", "app.properties": "a=1\nb=2\n"},
        )
        yield self.object(
            "v1",
            "Secret",
            f"{app}-keys",
            namespace,
            labels=labels,
            type="Opaque",
            data={"user": "a2l2aQ==", "password": "czNjcjN0"},
        )
        account = self.object("v1", "ServiceAccount", app, namespace, labels=labels)
        yield account
        yield self.object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            f"{app}-reads",
            namespace,
            labels=labels,
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
            subjects=[{"kind": "ServiceAccount", "name": app, "namespace": namespace}],
        )

    def web(self, namespace: str, app: str) -> Iterator[Object]:
        yield from self.around(namespace, app)
        labels, replicas = {"app": app}, self.chance.randint(2, 12)
        yield self.service(namespace, app)
        yield self.object(
            "networking.k8s.io/v1",
            "Ingress",
            app,
            namespace,
            labels=labels,
            spec={
                "rules": [
                    {
                        "host": f"{app}.example.org",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": app, "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ]
            },
        )
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": self.template(app)}
        done = {
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": replicas,
            "availableReplicas": replicas,
            "observedGeneration": 1,
        }
        deployment = self.object("apps/v1", "Deployment", app, namespace, labels=labels, spec=spec, status=done)
        deployment["metadata"]["generation"] = 1
        yield deployment
        for revision in (1, 2):
            stamp = hashlib.sha256(f"{namespace}{app}{revision}".encode()).hexdigest()[:9]
            wanted = replicas if revision == 2 else 0
            replica_set = self.object(
                "apps/v1",
                "ReplicaSet",
                f"{app}-{stamp}",
                namespace,
                deployment,
                labels=labels,
                spec={**spec, "replicas": wanted},
                status={"replicas": wanted, "readyReplicas": wanted},
            )
            yield replica_set
            for _ in range(wanted):
                name = f"{app}-{stamp}-{self.chance.randrange(16**5):05x}"
                yield self.pod(name, namespace, app, replica_set)

    def service(self, namespace: str, app: str) -> Object:
        return self.object(
            "v1",
            "Service",
            app,
            namespace,
            labels={"app": app},
            spec={
                "type": "ClusterIP",
                "clusterIP": "10.96.3.7",
                "selector": {"app": app},
                "ports": [{"port": 80, "targetPort": 8080}],
            },
        )

    def template(self, app: str, claim: str = "") -> Object:
        return {"metadata": {"labels": {"app": app}}, "spec": self.pod_spec(app, claim)}

    def pod_spec(self, app: str, claim: str = "") -> Object:
        mounts = [{"name": "config", "mountPath": "/etc/app"}]
        volumes: list[Object] = [{"name": "config", "configMap": {"name": f"{app}-config"}}]
        if claim:
            mounts.append({"name": "data", "mountPath": "/data"})
            volumes.append({"name": "data", "persistentVolumeClaim": {"claimName": claim}})
        secret = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": f"{app}-keys", "key": "password"}}}
        container = {
            "name": "main",
            "image": f"registry.example.org/{app}:1.4",
            "env": [secret],
            "ports": [{"containerPort": 8080, "protocol": "TCP"}],
            "volumeMounts": mounts,
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
            **_CONTAINER,
        }
        return {"serviceAccountName": app, "serviceAccount": app, "containers": [container], "volumes": volumes, **_POD}

    def pod(self, name: str, namespace: str, app: str, owner: Object, claim: str = "") -> Object:
        spec = {**self.pod_spec(app, claim), **_PLACED, "nodeName": f"worker-{self.chance.randrange(3)}"}
        token = f"kube-api-access-{self.chance.randrange(16**5):05x}"
        mount = {"name": token, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}
        spec["volumes"].append({"name": token, "projected": _TOKEN})
        spec["containers"][0]["volumeMounts"].append(mount)
        labels = {"app": app, "pod-template-hash": name.rpartition("-")[0][-9:]}
        return self.object(
            "v1", "Pod", name, namespace, owner, labels=labels, spec=spec, status=self.pod_status(spec["containers"][0])
        )

    def pod_status(self, container: Object) -> Object:
        bad = self.chance.random() < 0.03
        address = f"10.244.{self.chance.randrange(256)}.{self.chance.randrange(256)}"
        state = {"waiting": {"reason": "CrashLoopBackOff"}} if bad else {"running": {"startedAt": _MADE}}
        conditions = [
            {
                "type": kind,
                "status": "False" if bad and "Ready" in kind else "True",
                "lastProbeTime": None,
                "lastTransitionTime": _MADE,
            }
            for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
        ]
        digest = hashlib.sha256(address.encode()).hexdigest()
        status = {
            "name": "main",
            "ready": not bad,
            "started": not bad,
            "restartCount": 4 * bad,
            "state": state,
            "lastState": {},
            "image": container["image"],
            "imageID": f"sha256:{digest}",
            "containerID": f"containerd://{digest[::-1]}",
            "volumeMounts": container["volumeMounts"],
        }
        return {
            "phase": "Running",
            "conditions": conditions,
            "hostIP": "172.18.0.4",
            "hostIPs": [{"ip": "172.18.0.4"}],
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": _MADE,
            "containerStatuses": [status],
            "qosClass": "Burstable",
        }

    def stateful(self, namespace: str, app: str) -> Iterator[Object]:
        yield from self.around(namespace, app)
        yield self.service(namespace, app)
        replicas = self.chance.randint(1, 5)
        claim: Object = {
            "metadata": {"name": "data"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "standard",
                "resources": {"requests": {"storage": "1Gi"}},
            },
        }
        made = self.object(
            "apps/v1",
            "StatefulSet",
            app,
            namespace,
            labels={"app": app},
            spec={
                "replicas": replicas,
                "serviceName": app,
                "selector": {"matchLabels": {"app": app}},
                "template": self.template(app),
                "volumeClaimTemplates": [claim],
            },
            status={"replicas": replicas, "readyReplicas": replicas},
        )
        yield made
        for i in range(replicas):
            name = f"data-{app}-{i}"
            volume = f"pvc-{self.uid()}"
            held = self.object(
                "v1",
                "PersistentVolumeClaim",
                name,
                namespace,
                labels={"app": app},
                spec={**claim["spec"], "volumeName": volume},
                status={"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}},
            )
            yield self.pod(f"{app}-{i}", namespace, app, made, name)
            yield held
            ref = {
                "kind": "PersistentVolumeClaim",
                "name": name,
                "namespace": namespace,
                "uid": held["metadata"]["uid"],
            }
            yield self.object(
                "v1",
                "PersistentVolume",
                volume,
                spec={
                    "capacity": {"storage": "1Gi"},
                    "accessModes": ["ReadWriteOnce"],
                    "claimRef": ref,
                    "persistentVolumeReclaimPolicy": "Delete",
                    "storageClassName": "standard",
                    "hostPath": {"path": f"/var/{volume}"},
                },
                status={"phase": "Bound"},
            )

    def batch(self, namespace: str, app: str) -> Iterator[Object]:
        yield from self.around(namespace, app)
        template = {"spec": {"template": self.template(app)}}
        cron = self.object(
            "batch/v1",
            "CronJob",
            app,
            namespace,
            labels={"app": app},
            spec={"schedule": "*/5 * * * *", "jobTemplate": template},
        )
        yield cron
        for i in range(2):
            job = self.object(
                "batch/v1",
                "Job",
                f"{app}-2939{i}",
                namespace,
                cron,
                labels={"app": app},
                spec={"completions": 1, "template": self.template(app)},
                status={"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]},
            )
            yield job
            pod = self.pod(f"{app}-2939{i}-{self.chance.randrange(16**5):05x}", namespace, app, job)
            yield {**pod, "status": {"phase": "Succeeded"}}

    def agent(self, namespace: str, app: str) -> Iterator[Object]:
        yield from self.around(namespace, app)
        made = self.object(
            "apps/v1",
            "DaemonSet",
            app,
            namespace,
            labels={"app": app},
            spec={"selector": {"matchLabels": {"app": app}}, "template": self.template(app)},
            status={"desiredNumberScheduled": 3, "numberReady": 3},
        )
        yield made
        for _ in range(3):
            yield self.pod(f"{app}-{self.chance.randrange(16**5):05x}", namespace, app, made)


def write_json(objects: list[Object], path: Path) -> None:
    """One List, as `kubectl get -o json` prints it."""
    path.write_text(
        json.dumps(
            {"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}}, indent=4
        )
        + "\n"
    )


def write_yaml(objects: list[Object], path: Path) -> None:
    """Documents, as `kubectl get -o yaml` writes one object."""
    import yaml

    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumper.ignore_aliases = lambda *_: True
    # kubectl writes text of several lines after a |, and breaks no line
    dumper.add_representer(
        str, lambda d, s: d.represent_scalar("tag:yaml.org,2002:str", s, style="|" if "\n" in s else None)
    )
    with path.open("w") as file:
        yaml.dump_all(objects, file, Dumper=dumper, sort_keys=False, width=1 << 30)


def main() -> None:
    """Write one cluster to a file."""
    parser = argparse.ArgumentParser(description="Make a cluster of any size to measure on.")
    parser.add_argument("count", type=int)
    parser.add_argument("-o", "--output", required=True, type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    objects = cluster(options.count, options.seed)
    (write_json if options.output.suffix == ".json" else write_yaml)(objects, options.output)


if __name__ == "__main__":
    main()
