"""List, watch and resume against a real API server: what was followed is what happened."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import k8sviz
from k8sviz.history import About, Event, History
from k8sviz.sources import live
from k8sviz.sources.follow import Follower, listing
from k8sviz.sources.recording import Writer, read
from tests.live.cluster import Existing, Local


def soon(what: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.02)
    return found


def state(history: History) -> list[dict[str, Any]]:
    """What a History ends with, without what it leaves out on purpose (a Node's heartbeats)."""
    return [o for o in history.at().objects() if o["kind"] != "Node"]


@pytest.fixture
def namespace(local: Local, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"t-{abs(hash(request.node.name)) % 10**8}"
    local.kubectl("create", "namespace", name)
    soon(lambda: "default" in local.kubectl("-n", name, "get", "serviceaccount", "-o", "name"))
    soon(lambda: "kube-root-ca" in local.kubectl("-n", name, "get", "configmap", "-o", "name"))
    yield name
    local.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def fragile(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A cluster to be broken: an API server and its store, and nobody else who would have to recover."""
    with Local(tmp_path_factory.mktemp("fragile"), programs, kwok=False, controllers=False) as running:
        running.kubectl("create", "namespace", "demo")
        yield running


class Changes(threading.Thread):
    """A stream of changes; each ConfigMap's `n` counts its versions, so that a lost or doubled one shows."""

    def __init__(self, local: Local, namespace: str) -> None:
        super().__init__(daemon=True)
        self.cluster = local.cluster()
        self.path = f"/api/v1/namespaces/{namespace}/configmaps"
        self.done: list[tuple[str, str, str]] = []  # what the server confirmed: type, uid, resourceVersion
        self.finish = threading.Event()
        self.alive: dict[str, str] = {}

    def run(self) -> None:
        i = 0
        while not self.finish.is_set():
            i += 1
            name = f"c-{i % 7}"
            try:
                self._one(name, i)
            except (live.LostError, live.RefusedError):
                time.sleep(0.05)
                self._know()

    def _one(self, name: str, i: int) -> None:
        if name not in self.alive:
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"n": str(i)}}
            self._did("ADDED", self.cluster.post(self.path, body))
        elif i % 5 == 0:
            self.cluster.delete(f"{self.path}/{name}")
            self.done.append(("DELETED", self.alive.pop(name), ""))
        else:
            self._did("MODIFIED", self.cluster.patch(f"{self.path}/{name}", {"data": {"n": str(i)}}))

    def _did(self, change: str, obj: dict[str, Any]) -> None:
        meta = obj["metadata"]
        self.alive[meta["name"]] = meta["uid"]
        self.done.append((change, meta["uid"], meta["resourceVersion"]))

    def _know(self) -> None:
        """A call whose answer was lost may have been carried out."""
        while True:
            try:
                items = self.cluster.get(self.path)["items"]
            except live.K8svizError:
                time.sleep(0.1)
                continue
            self.alive = {
                o["metadata"]["name"]: o["metadata"]["uid"]
                for o in items
                if o["metadata"]["name"] != "kube-root-ca.crt"
            }
            return


def told(history: History) -> list[tuple[str, str, str]]:
    return [(e.type, e.object["metadata"]["uid"], e.object["metadata"]["resourceVersion"]) for e in history]


def lives_are_whole(history: History) -> None:
    """Each object: ADDED once, then MODIFIED with ever newer versions, then DELETED at most once, then silence."""
    seen: dict[str, list[Event]] = {}
    for event in history:
        seen.setdefault(event.object["metadata"]["uid"], []).append(event)
    for events in seen.values():
        types = [e.type for e in events]
        assert types[0] == "ADDED"
        assert all(t == "MODIFIED" for t in types[1:-1])
        assert types[-1] in ("ADDED", "MODIFIED", "DELETED")
        assert types.count("ADDED") == 1
        versions = [int(e.object["metadata"]["resourceVersion"]) for e in events if e.type != "DELETED"]
        assert versions == sorted(set(versions)), "a change was told twice, or out of order"


def test_ten_deaths_of_the_api_server_lose_and_double_nothing(fragile: Local) -> None:
    local, namespace = fragile, "demo"
    kinds = ("ConfigMap", "Secret", "Pod", "ServiceAccount")
    with Follower(local.cluster(), namespace, kinds=kinds).start() as follower:
        changes = Changes(local, namespace)
        changes.start()
        for _ in range(10):
            time.sleep(0.7)
            local.kill("kube-apiserver")
            time.sleep(0.2)
            local.run("kube-apiserver")
            local.ready()
        time.sleep(0.7)
        changes.finish.set()
        changes.join()
        fresh = soon(lambda: caught_up(follower, local, namespace, kinds))
        assert state(follower.history) == fresh
        soon(lambda: not follower.trouble)
        assert follower.history.notes == []
    lives_are_whole(follower.history)
    assert len(changes.done) > 100
    all_is_accounted_for(changes.done, told(follower.history))


def all_is_accounted_for(confirmed: list[tuple[str, str, str]], seen: list[tuple[str, str, str]]) -> None:
    """A restarted API server knows no versions from before: what happened meanwhile comes as its outcome, at least."""
    newest = {uid: int(version) for _, uid, version in seen}
    deleted = {uid for change, uid, _ in seen if change == "DELETED"}
    gone = {uid for change, uid, _ in confirmed if change == "DELETED"}
    for change, uid, version in confirmed:
        if uid not in newest:
            assert uid in gone, "an object that lives was never told"
        elif change == "DELETED":
            assert uid in deleted
        else:  # changed and then deleted while nobody listened: its end is the outcome
            assert newest[uid] >= int(version) or uid in deleted


def test_a_line_that_breaks_again_and_again_loses_no_single_version(fragile: Local) -> None:
    local, namespace = fragile, "demo"
    with Follower(local.cluster(), namespace, kinds=("ConfigMap",)).start() as follower:
        before = len(follower.history)
        changes = Changes(local, namespace)
        changes.start()
        for _ in range(20):
            time.sleep(0.15)
            stream = follower._feeds[0].stream
            if stream is not None:
                stream._response.shutdown()
        changes.finish.set()
        changes.join()
        soon(lambda: len(follower.history) >= before + len(changes.done))
        time.sleep(0.3)
    seen = [row if row[0] != "DELETED" else (*row[:2], "") for row in told(follower.history)[before:]]
    assert seen == changes.done
    assert len(seen) > 200


def caught_up(follower: Follower, local: Local, namespace: str, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    fresh = state(listing(local.cluster(), namespace, kinds=kinds))
    return fresh if state(follower.history) == fresh else []


def test_a_compacted_past_is_listed_again_and_the_difference_told(fragile: Local) -> None:
    local, namespace = fragile, "demo"

    def configmap(name: str, n: int) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"n": str(n)}}

    path = f"/api/v1/namespaces/{namespace}/configmaps"
    cluster = local.cluster()
    for name in ("stays", "changes", "goes", "reborn"):
        cluster.post(path, configmap(name, 0))
    with Follower(local.cluster(), namespace, kinds=("ConfigMap",)) as follower:
        follower.start()
        before = follower.changes
        hold = Pause(follower)
        hold.break_line()
        cluster.patch(f"{path}/changes", {"data": {"n": "1"}})
        cluster.patch(f"{path}/changes", {"data": {"n": "2"}})
        for name in ("goes", "reborn"):
            cluster.delete(f"{path}/{name}")
        cluster.post(path, configmap("reborn", 9))
        cluster.post(path, configmap("new", 1))
        local.compact()
        local.kill("kube-apiserver")  # its cache goes with it: the versions before are really gone
        local.run("kube-apiserver")
        local.ready()
        hold.go_on()
        soon(lambda: follower.changes >= before + 5)
        time.sleep(0.3)
        rows = [(e.type, e.object["metadata"]["name"]) for e in follower.history][-5:]
        assert sorted(rows) == [
            ("ADDED", "new"),
            ("ADDED", "reborn"),
            ("DELETED", "goes"),
            ("DELETED", "reborn"),
            ("MODIFIED", "changes"),
        ]
        assert state(follower.history) == state(listing(local.cluster(), namespace, kinds=("ConfigMap",)))
    lives_are_whole(follower.history)


class Pause:
    """Breaks a Follower's line, and lets it come back only when told."""

    def __init__(self, follower: Follower) -> None:
        self.follower, self.open = follower, threading.Event()
        self.open.set()
        server: Any = follower._server
        self.stream = server.stream

        def stream(path: str, **query: Any) -> Any:
            if not self.open.is_set():
                raise live.LostError("the line is broken")
            return self.stream(path, **query)

        server.stream = stream

    def break_line(self) -> None:
        self.open.clear()
        soon(lambda: self.follower._feeds[0].stream is not None)
        self.follower._feeds[0].stream._response.shutdown()
        soon(lambda: self.follower.trouble)

    def go_on(self) -> None:
        self.open.set()


READER = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods, persistentvolumeclaims], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: default}]
"""


@pytest.fixture
def reader(local: Local, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A kubeconfig of a user who may read Pods and claims only; its namespace."""
    if isinstance(local, Existing):
        pytest.skip("needs a server whose kubeconfig is ours to write")
    local.kubectl("-n", namespace, "apply", "-f", "-", text=READER)
    token = local.kubectl("-n", namespace, "create", "token", "default").strip()
    local.write_kubeconfig(tmp_path / "config", token)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    return namespace


CLAIMED = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: user}
spec:
  containers: [{name: c, image: "busybox:1.36", volumeMounts: [{name: v, mountPath: /v}]}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]
"""


def test_what_may_not_be_read_is_noted_in_the_picture(
    local: Local, reader: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from k8sviz.cli import main

    local.kubectl("-n", reader, "apply", "-f", "-", text=CLAIMED)
    assert main(["draw", "storage", "-n", reader]) == 0
    out = capsys.readouterr().out
    assert "user" in out
    assert "data" in out
    assert "you may not read" in out
    assert "PersistentVolume" in out


def test_a_reader_follows_what_it_may(local: Local, reader: str) -> None:
    with Follower(live.connect(), reader).start() as follower:
        assert "PersistentVolume" in follower.history.unread
        assert "Pod" not in follower.history.unread
        local.kubectl("-n", reader, "apply", "-f", "-", text=CLAIMED)
        soon(lambda: follower.history.at().get("Pod", "user"))
        # a right that comes later is noticed without a new start
        assert follower.history.at().missing("PersistentVolume") == "unread"


def test_a_wrong_token_is_one_line(local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(local, Existing):
        pytest.skip("needs a server whose kubeconfig is ours to write")
    local.write_kubeconfig(tmp_path / "config", "wrong")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(live.K8svizError, match="does not accept your credentials") as error:
        Follower(live.connect(), "default").start()
    assert "\n" not in str(error.value)


def new_claim(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "none",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def user_of(claim: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"user-of-{claim}"},
        "spec": {
            "nodeName": "k8sviz-worker",
            "containers": [{"name": "c", "image": "x"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}],
        },
    }


def test_from_change_to_picture_in_less_than_300_ms(
    local: Local, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = "\n---\n".join(json.dumps(new_claim(f"c-{i}")) for i in range(50))
    pods = "\n---\n".join(json.dumps(user_of(f"c-{i}")) for i in range(50))
    local.kubectl("-n", namespace, "apply", "-f", "-", text=claims + "\n---\n" + pods)
    monkeypatch.setenv("KUBECONFIG", str(local.kubeconfig))
    widget = k8sviz.follow("storage", namespace=namespace, context=local.context)
    try:
        follower = widget._follower
        soon(lambda: follower.idle() > 2)
        assert len(follower.history.at().objects(namespace=namespace)) > 100
        cluster, times = local.cluster(), []
        for i in range(7):
            before, begun = widget.svg, time.monotonic()
            cluster.post(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims", new_claim(f"new-{i}"))
            while widget.svg == before:  # a hundred alike are drawn as one card with their number
                time.sleep(0.002)
                assert time.monotonic() - begun < 10
            times.append(time.monotonic() - begun)
            time.sleep(0.3)
    finally:
        widget.close()
    print("from change to picture:", [f"{t * 1000:.0f} ms" for t in times])
    assert sorted(times)[3] < 0.3


def test_what_was_recorded_replays_equal(local: Local, namespace: str, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with (
        open(path, "wb") as file,
        Writer(file, About(namespace=namespace)) as writer,
        Follower(local.cluster(), namespace, tape=writer).start() as follower,
    ):
        local.kubectl("-n", namespace, "apply", "-f", "-", text=CLAIMED)
        local.kubectl("-n", namespace, "delete", "pod", "user")
        soon(lambda: follower.idle() > 1)
    again = read(path)
    assert list(again) == list(follower.history)
    assert again.at().objects() == follower.history.at().objects()
