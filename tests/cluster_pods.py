"""A kubelet for tests of controllers: Pods that are put on a node run, and are Ready a moment later."""

from __future__ import annotations

from k8sviz.rules.fields import text


class Pods:
    def __init__(self, cluster, *, ready_after=1.0, stop_after=1.0, is_bad=lambda pod: False):
        self.cluster, self.api, self.clock = cluster, cluster.api, cluster.clock
        self.ready_after, self.stop_after, self.is_bad = ready_after, stop_after, is_bad
        self.started, self.stopping = set(), set()
        cluster.api.subscribe(self.seen)

    def seen(self, change, obj):
        if obj["kind"] != "Pod" or change == "DELETED":
            return
        uid = obj["metadata"]["uid"]
        if "deletionTimestamp" in obj["metadata"]:
            if uid not in self.stopping:
                self.stopping.add(uid)
                self.clock.later(self.stop_after, lambda: self.gone(obj))
        elif text(obj, "spec", "nodeName") and uid not in self.started:
            self.started.add(uid)
            self.clock.later(0.02, lambda: self.write(obj, "Pending", "False", ip=""))
            self.clock.later(self.ready_after / 2, lambda: self.write(obj, "Running", "False"))
            if not self.is_bad(obj):
                self.clock.later(self.ready_after, lambda: self.write(obj, "Running", "True"))

    def now(self, pod):
        found = self.api.find("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"])
        same = found is not None and found["metadata"]["uid"] == pod["metadata"]["uid"]
        return found if same else None

    def write(self, pod, phase, ready, ip="10.0.0.1"):
        pod = self.now(pod)
        if pod is not None and "deletionTimestamp" not in pod["metadata"]:
            condition = {"type": "Ready", "status": ready, "lastTransitionTime": self.clock.stamp()}
            status = {"phase": phase, "conditions": [condition], **({"podIP": ip} if ip else {})}
            self.api.replace({**pod, "status": status}, subresource="status")

    def gone(self, pod):
        if self.now(pod) is not None:
            self.api.delete("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"], grace=0)
