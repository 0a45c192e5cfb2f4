"""A cluster of ordinary programs on loopback, as envtest has it.

The programs are etcd, the control plane, and kwok for the nodes; a thread of our own plays the provisioner.
`Local` starts and ends them one by one, so that a test may kill one of them. All listen on 127.0.0.1 only.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from k8sviz.history import Object
from k8sviz.sources.follow import Follower
from k8sviz.sources.live import Cluster, LostError, RefusedError, connect

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok")
NODES = ("k8sviz-worker", "k8sviz-worker2")
CONTEXT = "k8sviz-test"


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Local:
    """One cluster in one folder; use as a context manager."""

    def __init__(self, folder: Path, assets: Path, *, kwok: bool = True, controllers: bool = True) -> None:
        self.folder, self.assets = folder, assets
        self.etcd_port, self.peer_port, self.port, self.cm_port, self.sched_port, self.kwok_port = free_ports(6)
        self.context = CONTEXT
        self.token = secrets.token_hex(16)
        self.kubeconfig = folder / "kubeconfig"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._wanted = ["etcd", "kube-apiserver"] + ["kube-controller-manager", "kube-scheduler"] * controllers
        self._kwok = kwok
        self._provisioner: Provisioner | None = None

    # -- programs ------------------------------------------------------------------------------------

    def _commands(self) -> dict[str, list[str]]:
        f, server = self.folder, f"https://127.0.0.1:{self.port}"
        return {
            "etcd": [
                f"--data-dir={f}/etcd",
                f"--listen-client-urls=http://127.0.0.1:{self.etcd_port}",
                f"--advertise-client-urls=http://127.0.0.1:{self.etcd_port}",
                f"--listen-peer-urls=http://127.0.0.1:{self.peer_port}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{self.peer_port}",
                f"--initial-cluster=default=http://127.0.0.1:{self.peer_port}",
                "--unsafe-no-fsync",
                "--log-level=error",
            ],
            "kube-apiserver": [
                f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                f"--secure-port={self.port}",
                f"--cert-dir={f}/certs",
                f"--token-auth-file={f}/tokens.csv",
                "--authorization-mode=Node,RBAC",
                f"--service-account-issuer={server}",
                f"--service-account-key-file={f}/sa.key",
                f"--service-account-signing-key-file={f}/sa.key",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--endpoint-reconciler-type=none",
                "--disable-admission-plugins=TaintNodesByCondition",
                "--storage-initialization-timeout=60s",
                "--etcd-compaction-interval=0",
                "-v=0",
            ],
            "kube-controller-manager": [
                f"--kubeconfig={self.kubeconfig}",
                f"--secure-port={self.cm_port}",
                "--bind-address=127.0.0.1",
                f"--cert-dir={f}/cm",
                f"--service-account-private-key-file={f}/sa.key",
                "--leader-elect=false",
                f"--root-ca-file={f}/certs/apiserver.crt",
                "--use-service-account-credentials=false",
                "--node-monitor-grace-period=1h",
                "-v=0",
            ],
            "kube-scheduler": [
                f"--kubeconfig={self.kubeconfig}",
                f"--secure-port={self.sched_port}",
                "--bind-address=127.0.0.1",
                f"--cert-dir={f}/sched",
                "--leader-elect=false",
                "-v=0",
            ],
            "kwok": [
                f"--kubeconfig={self.kubeconfig}",
                "--manage-all-nodes=true",
                "--cidr=10.0.0.1/24",
                "--node-ip=127.0.0.1",
                f"--node-port={self.kwok_port}",
                "--node-lease-duration-seconds=40",
                f"--config={self.assets}/kwok.yaml",
                "-v=0",
            ],
        }

    def run(self, program: str) -> None:
        log = open(self.folder / f"{program}.log", "ab")  # noqa: SIM115 - the child's
        command = [str(self.assets / program), *self._commands()[program]]
        env = {**os.environ, "HOME": str(self.folder)}
        self._running[program] = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env, cwd=self.folder
        )
        log.close()

    def kill(self, program: str, how: int = signal.SIGKILL) -> None:
        process = self._running.pop(program)
        process.send_signal(how)
        process.wait(30)

    def ready(self, seconds: float = 120) -> None:
        """Wait until the API server says so."""
        end = time.monotonic() + seconds
        while True:
            dead = [name for name, process in self._running.items() if process.poll() is not None]
            if dead:
                raise RuntimeError(f"{dead[0]} ended: {(self.folder / f'{dead[0]}.log').read_text()[-2000:]}")
            try:
                self.cluster().get("/readyz/ping")
            except Exception as error:
                if "not JSON" in str(error):  # it says ok
                    return
                if time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def __enter__(self) -> Local:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._files()
        try:
            for program in self._wanted:
                self.run(program)
                if program == "etcd":
                    self._etcd_ready()
                if program == "kube-apiserver":
                    self.ready()
                    self._has_default()
            if self._kwok:
                self._nodes()
                self.kubectl("apply", "-f", "-", text=STANDARD)
                self._provisioner = Provisioner(self.cluster())
                self._provisioner.start()
                self.run("kwok")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._provisioner is not None:
            self._provisioner.follower.close()
        for program in reversed(list(self._running)):
            self.kill(program)

    # -- what they need --------------------------------------------------------------------------------

    def _files(self) -> None:
        subprocess.run(
            ["openssl", "genrsa", "-out", str(self.folder / "sa.key"), "2048"], check=True, capture_output=True
        )
        (self.folder / "tokens.csv").write_text(f'{self.token},admin,admin,"system:masters"\n')
        self.write_kubeconfig(self.kubeconfig, self.token)

    def write_kubeconfig(self, path: Path, token: str, context: str = CONTEXT) -> None:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [
                {
                    "name": "local",
                    "cluster": {
                        "server": f"https://127.0.0.1:{self.port}",
                        "certificate-authority": str(self.folder / "certs/apiserver.crt"),
                    },
                }
            ],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": context, "context": {"cluster": "local", "user": "user"}}],
        }
        path.write_text(json.dumps(config))
        path.chmod(0o600)

    def _etcd_ready(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.etcd_port}/health", timeout=2) as answer:
                    if b"true" in answer.read():
                        return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"etcd does not answer: {(self.folder / 'etcd.log').read_text()[-2000:]}")

    def _has_default(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                self.cluster().get("/api/v1/namespaces/default")
                return
            except Exception:
                time.sleep(0.1)

    def _nodes(self) -> None:
        for name in NODES:
            self.cluster().post(
                "/api/v1/nodes",
                {
                    "apiVersion": "v1",
                    "kind": "Node",
                    "metadata": {
                        "name": name,
                        "annotations": {"kwok.x-k8s.io/node": "fake"},
                        "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"},
                    },
                    "status": {
                        "allocatable": {"cpu": "32", "memory": "64Gi", "pods": "110"},
                        "capacity": {"cpu": "32", "memory": "64Gi", "pods": "110"},
                    },
                },
            )

    def compact(self) -> None:
        """Let etcd forget all versions before now."""
        key = json.dumps({"key": "AA=="}).encode()
        base = f"http://127.0.0.1:{self.etcd_port}/v3/kv"
        header = _post(f"{base}/range", key)["header"]
        _post(f"{base}/compaction", json.dumps({"revision": header["revision"], "physical": True}).encode())

    # -- how a test reaches it ---------------------------------------------------------------------------

    def cluster(self) -> Cluster:
        return connect(self.context, str(self.kubeconfig))

    def kubectl(self, *arguments: str, text: str | None = None, check: bool = True) -> str:
        done = subprocess.run(
            [str(self.assets / "kubectl"), f"--kubeconfig={self.kubeconfig}", f"--context={self.context}", *arguments],
            input=text,
            text=True,
            capture_output=True,
            timeout=120,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout


class Existing(Local):
    """The cluster that K8SVIZ_CONTEXT names, in place of one of our own; nobody kills its parts."""

    def __init__(self, context: str) -> None:
        self.context = context
        self.kubeconfig = Path(os.environ.get("KUBECONFIG") or "~/.kube/config").expanduser()
        self.assets = Path(shutil.which("kubectl") or "/kubectl").parent

    def __enter__(self) -> Existing:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _post(url: str, body: bytes) -> Any:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def assets() -> Path | None:
    """Where the programs are, or None."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "k8sviz/live"
    places = [Path(named)] if named else sorted(cache.glob("*"), key=lambda p: -p.stat().st_mtime)
    for place in places:
        if all(shutil.which(str(place / program)) for program in PROGRAMS):
            return place
    return None


class Provisioner(threading.Thread):
    """Plays rancher.io/local-path as far as the API shows: a volume for a claim whose node is chosen, and its end."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self.cluster = cluster
        kinds = ("PersistentVolumeClaim", "PersistentVolume", "StorageClass")
        self.follower = Follower(cluster, "", kinds=kinds, keep=10).start()
        self.made: set[str] = set()

    def run(self) -> None:
        seen = -1
        while not self.follower.closed:
            seen = self.follower.wait(seen, 1)
            now = self.follower.history.at()
            for claim in now.objects("PersistentVolumeClaim"):
                self._provide(claim, now.get("StorageClass", claim["spec"].get("storageClassName", "")))
            for volume in now.objects("PersistentVolume"):
                self._reclaim(volume)

    def _provide(self, claim: Object, storage_class: Object | None) -> None:
        meta, spec = claim["metadata"], claim["spec"]
        node = meta.get("annotations", {}).get("volume.kubernetes.io/selected-node")
        if not node or not storage_class or spec.get("volumeName") or meta["uid"] in self.made:
            return
        if storage_class["provisioner"] != LOCAL_PATH:
            return
        self.made.add(meta["uid"])
        terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]
        claim_ref = {"apiVersion": "v1", "kind": claim["kind"], **{k: meta[k] for k in ("namespace", "name", "uid")}}
        name = f"pvc-{meta['uid']}"
        self._try(
            lambda: self.cluster.post(
                "/api/v1/persistentvolumes",
                {
                    "apiVersion": "v1",
                    "kind": "PersistentVolume",
                    "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": LOCAL_PATH}},
                    "spec": {
                        "capacity": spec["resources"]["requests"],
                        "accessModes": spec["accessModes"],
                        "claimRef": claim_ref,
                        "hostPath": {"path": f"/opt/local-path-provisioner/{name}", "type": "DirectoryOrCreate"},
                        "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
                        "storageClassName": storage_class["metadata"]["name"],
                        "volumeMode": "Filesystem",
                        "nodeAffinity": {"required": {"nodeSelectorTerms": terms}},
                    },
                },
            )
        )

    def _reclaim(self, volume: Object) -> None:
        mine = volume["metadata"].get("annotations", {}).get("pv.kubernetes.io/provisioned-by") == LOCAL_PATH
        released = (volume.get("status") or {}).get("phase") == "Released"
        if mine and released and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete":
            self._try(lambda: self.cluster.delete(f"/api/v1/persistentvolumes/{volume['metadata']['name']}"))

    def _try(self, what: Callable[[], object]) -> None:
        with contextlib.suppress(RefusedError, LostError):  # it comes again with the next change
            what()


LOCAL_PATH = "rancher.io/local-path"
# the recordings' default class
STANDARD = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: rancher.io/local-path
reclaimPolicy: Delete
volumeBindingMode: WaitForFirstConsumer
"""
