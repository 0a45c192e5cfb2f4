"""Plays again what people did in a recording, object by object, on a simulated cluster, and tells how both looked.

What a person wrote is told from what controllers wrote by whose fields changed. Nothing of kubectl is needed.
"""

from __future__ import annotations

import re
from collections import Counter

from k8sviz.cluster import Cluster
from k8sviz.cluster.settings import RECORDED
from k8sviz.rules.fields import listed, mapping, text

PEOPLES = ("Deployment", "StatefulSet", "ReplicationController", "Service", "PersistentVolume", "Pod", "StorageClass")
PEOPLES = (*PEOPLES, "PersistentVolumeClaim", "ConfigMap", "Secret", "Node")
CONTROLLERS_NOTES = (
    "deployment.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
)
SERVERS = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
COMPARED = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "Pod", "PersistentVolumeClaim")
COMPARED = (*COMPARED, "PersistentVolume", "EndpointSlice", "ControllerRevision")


def place(obj):
    return obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def is_peoples(obj):
    notes = mapping(obj, "metadata", "annotations")
    return (
        obj["kind"] in PEOPLES
        and not obj["metadata"].get("ownerReferences")
        and "pv.kubernetes.io/provisioned-by" not in notes
        and not (obj["kind"] == "PersistentVolumeClaim" and not any("last-applied" in note for note in notes))
    )


def wish(obj):
    """What a person asks for: without what servers and controllers keep."""
    meta = {k: v for k, v in obj["metadata"].items() if k not in SERVERS and k != "finalizers"}
    notes = {k: v for k, v in meta.get("annotations", {}).items() if not k.startswith(CONTROLLERS_NOTES)}
    meta["annotations"] = notes
    new = {k: v for k, v in obj.items() if k != "status"} | {"metadata": meta}
    if obj["kind"] == "Pod":
        spec = {k: v for k, v in obj["spec"].items() if k not in ("nodeName", "volumes")}
        volumes = [v for v in listed(obj, "spec", "volumes") if not text(v, "name").startswith("kube-api-access")]
        for part in {"containers", "initContainers"} & spec.keys():
            spec[part] = [_without_token(c) for c in listed(obj, "spec", part)]
        new["spec"] = {**spec, **({"volumes": volumes} if volumes else {})}
    if obj["kind"] == "PersistentVolumeClaim" and "pv.kubernetes.io/bound-by-controller" in mapping(
        obj, "metadata", "annotations"
    ):
        new["spec"] = {k: v for k, v in obj["spec"].items() if k != "volumeName"}
    if obj["kind"] == "PersistentVolume" and "pv.kubernetes.io/bound-by-controller" in mapping(
        obj, "metadata", "annotations"
    ):
        new["spec"] = {k: v for k, v in obj["spec"].items() if k != "claimRef"}
    return new


def _without_token(container):
    mounts = [m for m in listed(container, "volumeMounts") if not text(m, "name").startswith("kube-api-access")]
    return {**container, "volumeMounts": mounts}


class Replay:
    """A recording's History, played on a cluster. `marks` are the moments to compare at."""

    def __init__(self, history):
        self.history = history
        events = list(history)
        self.cluster = Cluster(
            [e.object for e in events if e.t == 0], start=history.about.started_at, settings=RECORDED
        )
        self.events = [e for e in events if e.t > 0]
        self.names = {}

    def moments(self):
        """Play, and yield (step id, recorded objects, simulated objects) just before each next step and at the end."""
        steps = [*self.history.steps]
        ends = [s.t for s in steps[1:]] + [self.history.end]
        known = {}
        waiting = iter(self.events)
        event = next(waiting, None)
        for step, end in zip(steps, ends, strict=True):
            self.outside(step)
            while event is not None and event.t < end - 0.001:
                self.do(event, known, step)
                event = next(waiting, None)
            self.cluster.clock.run(end - 0.001)
            snapshot = self.history.at(end - 0.001)
            if self._settled(end):
                yield step, list(snapshot), list(self.cluster.api.all())

    def outside(self, step):
        """What was done outside kubectl."""
        found = re.match(r"# the kubelet on (\S+) (stops|answers)", step.command)
        if found:
            self.cluster.clock.run(step.t)
            act = self.cluster.stop_kubelet if found[2] == "stops" else self.cluster.start_kubelet
            act(found[1])

    def _settled(self, end):
        """Whether nothing happened for two seconds."""
        times = [e.t for e in self.events if e.object["kind"] not in ("Event", "Node") and e.t < end - 0.001]
        return not times or times[-1] < end - 2.0

    def do(self, event, known, step):
        obj = event.object
        key = place(obj)
        old = known.get(key)
        known[key] = obj
        if obj["kind"] == "Pod" and " label " in step.command and old is not None:
            self._relabel(old, obj)
        if not is_peoples(obj) and not self._is_users_delete(event, old, step):
            return
        self.cluster.clock.run(event.t)
        api = self.cluster.api
        kind, namespace, name = key
        if event.type == "DELETED":
            known.pop(key)
        if "deletionTimestamp" in obj["metadata"] or event.type == "DELETED":
            if old is not None and "deletionTimestamp" in old["metadata"]:
                return
            target = self.target(kind, name, namespace)
            if target is not None:
                finalizers = obj["metadata"].get("finalizers", [])
                policy = "Orphan" if "orphan" in finalizers else "Background"
                api.delete(kind, target["metadata"]["name"], namespace, propagation=policy)
            return
        if kind == "Node":
            return
        if old is None:
            api.create(wish(obj))
            return
        a, b = wish(old), wish(obj)
        if kind == "PersistentVolume" and "claimRef" in old["spec"] and "claimRef" not in obj["spec"]:
            a["spec"] = {**a["spec"], "claimRef": {}}
        if a != b:
            found = self.target(kind, name, namespace)
            if found is not None:
                api.patch(kind, found["metadata"]["name"], namespace, difference(a, b), type="merge")

    def _relabel(self, old, obj):
        """A person changes the labels of a controller's Pod: one that looks the same is changed here."""
        before, after = old["metadata"]["labels"], obj["metadata"]["labels"]
        if before == after:
            return
        same = [
            pod
            for pod in self.cluster.api.list("Pod")
            if pod["metadata"]["labels"].items()
            >= before.items() - {("pod-template-hash", before.get("pod-template-hash"))}
        ]
        if same:
            here = same[0]
            self.cluster.api.patch(
                "Pod",
                here["metadata"]["name"],
                here["metadata"]["namespace"],
                {"metadata": {"labels": difference(before, after)}},
                type="merge",
            )
            self.names[obj["metadata"]["name"]] = here["metadata"]["name"]

    def target(self, kind, name, namespace):
        return self.cluster.api.find(kind, self.names.get(name, name), namespace)

    def _is_users_delete(self, event, old, step):
        """A Pod that a person deletes by its name."""
        obj = event.object
        if (
            obj["kind"] not in ("Pod", "PersistentVolumeClaim")
            or old is None
            or "deletionTimestamp" not in obj["metadata"]
        ):
            return False
        return bool(re.search(rf"delete (pod|pvc) .*\b{re.escape(obj['metadata']['name'])}\b", step.command))


def difference(a, b):
    """A JSON merge patch from one object to the other."""
    patch = {}
    for key in a.keys() | b.keys():
        if key not in b:
            patch[key] = None
        elif a.get(key) != b[key]:
            both = isinstance(a.get(key), dict) and isinstance(b[key], dict)
            patch[key] = difference(a[key], b[key]) if both else b[key]
    return patch


# -- how objects look ---------------------------------------------------------------------------------


def stem(name, kind):
    if kind in ("ReplicaSet", "ControllerRevision", "EndpointSlice"):
        return name.rpartition("-")[0] if kind != "ControllerRevision" else name
    if kind == "PersistentVolume" and name.startswith("pvc-"):
        return "pvc-*"
    if re.search(r"-[bcdfghjklmnpqrstvwxz2456789]{5}$", name):
        name = name.rpartition("-")[0]
        return re.sub(r"-[bcdf456789]{8,10}$", "", name) + "-*"
    return name


def signature(obj):
    """What has to be equal: names up to suffixes, owners, references, phases, counts, conditions with reasons."""
    kind, status = obj["kind"], mapping(obj, "status")
    facts = {"kind": kind, "name": stem(obj["metadata"]["name"], kind)}
    facts["owners"] = [(r["kind"], stem(r["name"], r["kind"])) for r in listed(obj, "metadata", "ownerReferences")]
    facts["deleting"] = "deletionTimestamp" in obj["metadata"]
    if kind in ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"):
        facts["replicas"] = mapping(obj, "spec").get("replicas")
        facts["status"] = {k: v for k, v in status.items() if k.endswith("eplicas") and v}
        facts["revision"] = mapping(obj, "metadata", "annotations").get("deployment.kubernetes.io/revision")
        facts["history"] = mapping(obj, "metadata", "annotations").get("deployment.kubernetes.io/revision-history")
        facts["desired"] = mapping(obj, "metadata", "annotations").get("deployment.kubernetes.io/desired-replicas")
        facts["conditions"] = sorted(
            (c["type"], c["status"], c.get("reason")) for c in listed(obj, "status", "conditions")
        )
        if kind == "StatefulSet":
            facts["revisions"] = (status.get("currentRevision"), status.get("updateRevision"))
    elif kind == "Pod":
        facts["phase"] = status.get("phase")
        facts["ready"] = [c["status"] for c in listed(obj, "status", "conditions") if c["type"] == "Ready"]
        facts["image"] = [c.get("image") for c in listed(obj, "spec", "containers")]
        facts["placed"] = bool(text(obj, "spec", "nodeName"))
    elif kind == "PersistentVolumeClaim":
        facts["phase"], facts["bound"] = status.get("phase"), stem(text(obj, "spec", "volumeName"), "PersistentVolume")
        facts["capacity"], facts["modes"] = status.get("capacity"), status.get("accessModes")
        facts["notes"] = sorted(k for k in mapping(obj, "metadata", "annotations") if k.startswith(CONTROLLERS_NOTES))
    elif kind == "PersistentVolume":
        facts["phase"], facts["claim"] = status.get("phase"), text(obj, "spec", "claimRef", "name")
        facts["notes"] = sorted(k for k in mapping(obj, "metadata", "annotations") if k.startswith(CONTROLLERS_NOTES))
    elif kind == "EndpointSlice":
        ends = listed(obj, "endpoints")
        facts["endpoints"] = sorted(
            (stem(text(e, "targetRef", "name"), "Pod"), *e["conditions"].values()) for e in ends
        )
        facts["ports"] = sorted(sorted(port.items()) for port in listed(obj, "ports"))
    elif kind == "ControllerRevision":
        facts["revision"] = obj["revision"]
    return facts


def signatures(objects):
    others = ("default", "kube-system")  # which recordings of one namespace do not hold
    known = [obj for obj in objects if obj["metadata"].get("namespace") not in others]
    return Counter(repr(signature(obj)) for obj in known if obj["kind"] in COMPARED)


def differences(recorded, simulated):
    a, b = signatures(recorded), signatures(simulated)
    return sorted(
        [f"- {line}" for line in (a - b).elements()] + [f"+ {line}" for line in (b - a).elements()], key=lambda x: x[2:]
    )
