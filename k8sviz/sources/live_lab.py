"""A lab on a cluster: each step's command runs in a shell, and what follows from it is waited for and watched.

What a lab makes is its own to remove: a namespace that carries the lab's label, and cluster-wide objects that carry
it too. Nothing is written to a context that the user has not named, and to one that looks like production only
after an explicit yes.
"""

from __future__ import annotations

import atexit
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from k8sviz.errors import K8svizError
from k8sviz.history import History, Object, Result, Snapshot, Step
from k8sviz.kinds import KINDS
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.meta import ref_of
from k8sviz.sources.follow import Follower, path_of
from k8sviz.sources.labs import LabSpec, StepSpec
from k8sviz.sources.live import Cluster, RefusedError, connect, contexts, kubeconfig
from k8sviz.sources.production import looks_like_production
from k8sviz.sources.promises import is_passing, unmet
from k8sviz.sources.recording import read
from k8sviz.sources.strangers import is_free, strangers
from k8sviz.words import say

__all__ = ["LABEL", "LiveLab", "cleanup", "labelled", "writable"]

LABEL: Final = "k8sviz.dev/lab"
_MADE_CLUSTER_WIDE: Final = (
    "PersistentVolume",
    "StorageClass",
    "VolumeAttributesClass",
    "ClusterRole",
    "ClusterRoleBinding",
)
_LONGEST: Final = 300.0  # seconds for one command
_GONE_IN: Final = 120.0  # seconds for a namespace to go
_BY_HAND: Final = 240.0  # seconds for a person to do what no command does
_QUIET: Final = 0.5  # seconds without a change that count as quiet
# a claim that found no volume is looked at again every 15 seconds (kube-controller-manager --pvclaimbinder-sync-period)
_BINDERS_ROUND: Final = 20.0
_PATIENCE: Final = 60.0  # seconds beyond what it took in the recording, where real kubelets are at work
_ON_THIS_MACHINE: Final = ("minikube", "kind-", "k3d-", "docker-desktop", "rancher-desktop", "colima", "orbstack")
_IN_CONTAINERS: Final = re.compile(r"\bkubectl\s+(exec|logs|attach|port-forward|cp|debug)\b|/proxy/")
_CHANGING: Final = re.compile(
    r"\bkubectl\s+(apply|create|delete|scale|patch|label|annotate|replace|run|expose|set|rollout\s+(?!status|history))"
)
_FAKE: Final = "kwok.x-k8s.io/node"
_YES: Final = ("1", "true", "yes")
_WRAPPER: Final = """\
#!/bin/sh
case "$K8SVIZ_NO_KUBELET-$1" in
1-exec|1-logs|1-attach|1-port-forward|1-cp|1-debug) echo "k8sviz: kubectl $1 needs a kubelet" >&2; exit 1 ;;
esac
exec {kubectl} "$@"
"""
_running: weakref.WeakSet[LiveLab] = weakref.WeakSet()


# -- may we write there? -----------------------------------------------------------------------------


def writable(context: str | None = None, *, yes: bool = False) -> Cluster:
    """The cluster that the user named, by `context` or K8SVIZ_CONTEXT, for writing.

    Raises K8svizError, one line that says what to do, when none was named, or when it looks like production or is
    not on this machine and nobody said yes (`yes`, or K8SVIZ_YES=1).
    """
    names, _ = contexts()
    named = context or os.environ.get("K8SVIZ_CONTEXT")
    if not named:
        raise K8svizError(say("live.name-context", known=", ".join(names) or "none"))
    cluster = connect(named)
    doubt = _doubt(cluster)
    if doubt and not yes and os.environ.get("K8SVIZ_YES", "").lower() not in _YES:
        raise K8svizError(say(f"live.{doubt}", context=named, server=cluster.server))
    return cluster


def _doubt(cluster: Cluster) -> str:
    host = urlsplit(cluster.server).hostname or ""
    if any(map(looks_like_production, (cluster.context, host, *cluster.also_called))):
        return "production"
    return "" if _is_local(host, cluster.context) else "elsewhere"


def _is_local(host: str, context: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".docker.internal")):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or (address.is_private and context.startswith(_ON_THIS_MACHINE))


# -- labels ------------------------------------------------------------------------------------------


def labelled(text: str, lab: str) -> str:
    """Manifests with the lab's label on the cluster-wide objects among them; all else stays letter for letter.

    Namespaced objects need none: they go with the lab's namespace, which carries it (and a label on a Pod would show
    in what the course tells about labels).

    >>> print(labelled("kind: PersistentVolume\\nmetadata:\\n  name: a\\n", "x"))
    kind: PersistentVolume
    metadata:
      labels: {k8sviz.dev/lab: x}
      name: a
    <BLANKLINE>
    """
    try:
        documents = [d for d in yaml.compose_all(text, Loader=yaml.SafeLoader) if isinstance(d, yaml.MappingNode)]
    except yaml.YAMLError:  # the API server is to say what is wrong with it
        return text
    for document in reversed(documents):
        fields = _fields(document)
        meta = fields.get("metadata")
        if getattr(fields.get("kind"), "value", "") in _MADE_CLUSTER_WIDE and isinstance(meta, yaml.MappingNode):
            text = _with_label(text, meta, f"{LABEL}: {lab}")
    return text


def _fields(node: yaml.MappingNode) -> dict[str, Any]:
    return {str(key.value): value for key, value in node.value}


def _with_label(text: str, meta: yaml.MappingNode, label: str) -> str:
    labels = _fields(meta).get("labels")
    into = labels if isinstance(labels, yaml.MappingNode) else meta
    added = label if into is labels else f"labels: {{{label}}}"
    if into.flow_style:
        place = into.start_mark.index + 1
        return text[:place] + added + (", " if into.value else "") + text[place:]
    place = into.start_mark.index
    return text[:place] + added + "\n" + " " * into.start_mark.column + text[place:]


def _cluster_wide(text: str) -> list[tuple[str, str]]:
    """Kind and name of the cluster-wide objects in a manifest."""
    try:
        documents = list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError):
        return []
    found = [d for d in documents if isinstance(d, dict) and d.get("kind") in _MADE_CLUSTER_WIDE]
    return [(d["kind"], str((d.get("metadata") or {}).get("name", ""))) for d in found]


# -- removing ----------------------------------------------------------------------------------------


def _label_of(obj: Object) -> str:
    return str(((obj.get("metadata") or {}).get("labels") or {}).get(LABEL, ""))


def _found(cluster: Cluster, path: str) -> Object | None:
    try:
        found: Object = cluster.get(path)
    except RefusedError as error:
        if error.status == 404:
            return None
        raise
    return found


def _listed(cluster: Cluster, kind: str) -> list[Object]:
    try:
        return list(cluster.get(path_of(KINDS[kind], "")).get("items") or [])
    except RefusedError:  # what may not be listed, this user has not made
        return []


def _drop(cluster: Cluster, path: str) -> None:
    try:
        cluster.delete(path)
    except RefusedError as error:
        if error.status not in (404, 409):
            raise


def _provisioned(volume: Object, namespace: str) -> bool:
    meta, claim = volume.get("metadata") or {}, (volume.get("spec") or {}).get("claimRef") or {}
    made = "pv.kubernetes.io/provisioned-by" in (meta.get("annotations") or {})
    return made and claim.get("namespace") == namespace


def cleanup(cluster: Cluster, spec: LabSpec) -> list[str]:
    """Remove what this lab, or another one in the same namespace, has made; nothing else. Returns what went.

    Raises K8svizError when the namespace is not one that a lab has made, or does not go.
    """
    path = f"/api/v1/namespaces/{spec.namespace}"
    namespace = _found(cluster, path)
    owners = {spec.name}
    volumes: list[Object] = []
    if namespace is not None:
        if not _label_of(namespace):
            raise K8svizError(say("live.foreign", namespace=spec.namespace, context=cluster.context))
        owners.add(_label_of(namespace))
        volumes = [v for v in _listed(cluster, "PersistentVolume") if _provisioned(v, spec.namespace)]
        _drop(cluster, path)
        _wait_gone(cluster, path, spec.namespace)
    gone = [f"namespace/{spec.namespace}"] if namespace is not None else []
    for kind in _MADE_CLUSTER_WIDE:
        base = path_of(KINDS[kind], "")
        mine = [o for o in _listed(cluster, kind) if _label_of(o) in owners]
        for obj in mine + (volumes if kind == "PersistentVolume" else []):
            name = obj["metadata"]["name"]
            _drop(cluster, f"{base}/{name}")
            gone.append(f"{kind.lower()}/{name}")
    return gone


def _wait_gone(cluster: Cluster, path: str, name: str) -> None:
    end = time.monotonic() + _GONE_IN
    while (there := _found(cluster, path)) is not None:
        if time.monotonic() > end:
            held = [text(c, "message") for c in listed(there, "status", "conditions") if text(c, "status") == "True"]
            raise K8svizError(say("live.stays", namespace=name, why=" ".join(held) or "?"))
        time.sleep(0.2)


# -- the runner --------------------------------------------------------------------------------------


class LiveLab:
    """A lab's steps on a cluster (a `recorded_lab.Runner`); it begins with the first step, or the first look."""

    def __init__(self, spec: LabSpec, *, context: str | None = None, yes: bool = False) -> None:
        self._spec = spec
        self._cluster = writable(context, yes=yes)
        self._kubectl = _kubectl()
        self._recorded = read(spec.recording) if spec.recording.exists() else History()
        self._follower = Follower(self._cluster, spec.namespace, name=spec.name, title=spec.title)
        self._folder: Path | None = None
        self._notes: dict[str, list[str]] = {}
        self._begin_lock = threading.Lock()

    # -- what a Lab asks -----------------------------------------------------------------------------

    @property
    def follower(self) -> Follower:
        """What follows the cluster for this lab."""
        return self._follower

    @property
    def history(self) -> History:
        """All that has happened since the lab began."""
        self.begin()
        return self._follower.history

    def now(self) -> float:
        """Seconds since the lab began."""
        self.begin()
        return self._follower.history.end if self._follower.closed else self._follower.now()

    def notes(self, step_id: str) -> Sequence[str]:
        """What a step needed that this cluster has not, and where its outcome differs from the recorded one."""
        return tuple(self._notes.get(step_id, ()))

    def run(self, step: StepSpec) -> Result:
        """Run one step, wait for what it promises, and say how it ended."""
        self.begin()
        if self._follower.closed:
            raise K8svizError(say("live.ended", lab=self._spec.name))
        files = {name: self._spec.text(name) for name in step.files}
        missing = self._cannot(step)
        self._notes[step.id] = notes = [missing] if missing else []
        self._follower.begin_step(Step(self._follower.now(), step.id, step.command, files, step.about))
        refused = self._write_files(files)
        if refused:
            code, out, err = 1, "", refused
        elif missing and not _CHANGING.search(step.command):
            code, out, err = 0, "", ""
        else:
            code, out, err = self._shell(step.command, no_kubelet=bool(missing))
        result = Result(self._follower.now(), code, out, err)
        self._follower.end_step(step.id, result)
        by_hand = step.command.startswith("#") and self._has_kubelets()
        if by_hand and step.waits:
            print(say("live.do-now", what=step.command.lstrip("# "), waits="; ".join(step.waits)), file=sys.stderr)
        if not missing or by_hand or _CHANGING.search(step.command):
            late = self._settle(step)
            notes += self._differences(step, result)
            if late and (by_hand or not notes):
                notes.append(say("live.late", what="; ".join(late)))
        return result

    def cleanup(self) -> list[str]:
        """Stop following, and remove from the cluster what the lab has made. Returns what went."""
        if self._folder is not None:
            self.close()
        return cleanup(self._cluster, self._spec)

    def close(self) -> None:
        """Stop following; what was made stays on the cluster, and the History in memory."""
        self._follower.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    # -- beginning -----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Remove what an earlier run has left, make the namespace, and follow it; does nothing a second time."""
        with self._begin_lock:
            if self._folder is not None:
                return
            for other in list(_running):
                if other._place() == self._place():
                    other.close()
            cleanup(self._cluster, self._spec)
            others = strangers(self._cluster, self._spec, LABEL)
            if others:
                raise K8svizError(say("live.strangers", what=", ".join(others), lab=self._spec.name))
            self._make_namespace()
            self._follower.start()
            self._folder = Path(tempfile.mkdtemp(prefix="k8sviz-"))
            atexit.register(shutil.rmtree, self._folder, True)
            self._write_wrapper(self._folder)
            _running.add(self)

    def _place(self) -> tuple[str, str]:
        return self._cluster.server, self._spec.namespace

    def _make_namespace(self) -> None:
        meta = {"name": self._spec.namespace, "labels": {LABEL: self._spec.name}}
        self._cluster.post("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        account = f"/api/v1/namespaces/{self._spec.namespace}/serviceaccounts/default"
        end = time.monotonic() + 30
        while _found(self._cluster, account) is None and time.monotonic() < end:  # no Pod is admitted before
            time.sleep(0.1)

    def _write_wrapper(self, folder: Path) -> None:
        """A kubectl that knows where: commands stay as a person types them, so that each word is where it was."""
        (folder / "bin").mkdir()
        (folder / "work").mkdir()
        where = kubeconfig(self._cluster.context, self._spec.namespace)
        (folder / "kubeconfig").write_text(where, encoding="utf-8")
        wrapper = folder / "bin" / "kubectl"
        wrapper.write_text(_WRAPPER.format(kubectl=shlex.quote(self._kubectl)), encoding="utf-8")
        wrapper.chmod(0o700)

    # -- running -------------------------------------------------------------------------------------

    def _write_files(self, files: dict[str, str]) -> str:
        """Bring a step's files; why that must not be, or ''."""
        assert self._folder is not None  # noqa: S101 - it has begun
        for name, content in files.items():
            for kind, wanted in _cluster_wide(content):
                there = _found(self._cluster, f"{path_of(KINDS[kind], '')}/{wanted}") if wanted else None
                if there is not None and _label_of(there) != self._spec.name:
                    return say("live.occupied", what=f"{kind.lower()}/{wanted}")
            place = self._folder / "work" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(labelled(content, self._spec.name), encoding="utf-8")
        return ""

    def _cannot(self, step: StepSpec) -> str:
        """Why a step cannot be done on this cluster, or ''."""
        if step.command.startswith("#"):
            return say("live.by-hand")
        nodes = self._follower.history.at().objects("Node")
        if nodes and all(map(is_fake, nodes)) and _IN_CONTAINERS.search(step.command):
            return say("live.needs-kubelet")
        return ""

    def _shell(self, command: str, *, no_kubelet: bool = False) -> tuple[int, str, str]:
        """Run a command as a person would; one that hangs is ended. Exit code, output, errors.

        `no_kubelet`: what looks into a container is refused at once.
        """
        assert self._folder is not None  # noqa: S101 - it has begun
        env = {**os.environ, "PATH": f"{self._folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
        env["K8SVIZ_NO_KUBELET"] = "1" if no_kubelet else ""
        own = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
        env["KUBECONFIG"] = f"{self._folder / 'kubeconfig'}{os.pathsep}{own}"
        # files, not pipes: something left in the background would hold a pipe open
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(  # noqa: S603 - the lab's own commands are what this is for
                [_bash(), "-c", command],
                cwd=self._folder / "work",
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            try:
                code = process.wait(_LONGEST)
                late = ""
            except subprocess.TimeoutExpired:
                code, late = 124, say("live.too-long", seconds=round(_LONGEST)) + "\n"
            finally:
                _end_group(process)
            out.seek(0)
            err.seek(0)
            return code, out.read().decode("utf-8", "replace"), err.read().decode("utf-8", "replace") + late

    # -- waiting for what it promises ------------------------------------------------------------------

    def _settle(self, step: StepSpec) -> list[str]:
        """Wait until what the step promises is there, with a limit; returns what has not come.

        Where the recording went on midway, so does this: as soon as the moment is there, or has passed.
        """
        begun, gap = time.monotonic(), self._gap(step)
        longest = max(2.0, 1.5 * gap, gap + 2.0)
        limit = longest + (
            _BY_HAND if step.command.startswith("#") else _PATIENCE if self._has_kubelets() else _BINDERS_ROUND
        )
        while True:
            took, missing = time.monotonic() - begun, unmet(step.waits, self._follower.history.at())
            if self._follower.closed:
                return missing
            if step.goes_on is not None and (not missing or took >= max(step.goes_on, 1.0)):
                return []
            quiet = self._follower.idle() >= _QUIET
            if quiet and not missing and (step.waits or took >= min(gap, 1.0)):
                return []
            if quiet and took > longest and all(map(is_passing, missing)):
                return []  # it was there, and has gone on
            if took > limit or (took > longest and quiet and not self._has_kubelets() and not self._may_bind(missing)):
                return missing
            self._follower.wait(self._follower.changes, 0.1)

    def _gap(self, step: StepSpec) -> float:
        """How many seconds the recording waited after this step's command."""
        if step.id not in [s.id for s in self._recorded.steps]:
            return 3.0
        recorded, settled = self._recorded.step(step.id), self._recorded.settled(step.id)
        return min(40.0, max(0.0, settled - (recorded.result.t if recorded.result else recorded.t)))

    def _has_kubelets(self) -> bool:
        return any(not is_fake(node) for node in self._follower.history.at().objects("Node"))

    def _may_bind(self, missing: Sequence[str]) -> bool:
        """Whether a claim waits that was bound in the recording, beside a volume that is free."""
        waits = any(row.startswith("persistentvolumeclaim/") and row.endswith(": Bound") for row in missing)
        return waits and any(map(is_free, self._follower.history.at().objects("PersistentVolume")))

    def _differences(self, step: StepSpec, result: Result) -> list[str]:
        now = self._follower.history.at()
        found = [*_missing_nodes(step, self._spec, now), *_missing_images(now), *self._unprovisioned(step, now)]
        recorded = next((s for s in self._recorded.steps if s.id == step.id), None)
        if recorded and recorded.result and recorded.result.exit_code != result.exit_code:
            found.append(say("live.differs", recorded=recorded.result.exit_code, here=result.exit_code))
        return found

    def _unprovisioned(self, step: StepSpec, now: Snapshot) -> list[str]:
        if step.id not in [s.id for s in self._recorded.steps]:
            return []
        then = self._recorded.at(self._recorded.settled(step.id))
        bound = {o["metadata"]["name"] for o in then.objects("PersistentVolumeClaim") if _phase(o) == "Bound"}
        waiting = [
            o["metadata"]["name"]
            for o in now.objects("PersistentVolumeClaim", namespace=self._spec.namespace)
            if _phase(o) == "Pending" and o["metadata"]["name"] in bound and not (o.get("spec") or {}).get("volumeName")
        ]
        taken = [
            f"{ref_of(v)} → {text(v, 'spec', 'claimRef', 'namespace')}/{text(v, 'spec', 'claimRef', 'name')}"
            for v in now.objects("PersistentVolume")
            if _label_of(v) and text(v, "spec", "claimRef", "namespace") not in ("", self._spec.namespace)
        ]
        if waiting and taken:
            return [say("live.taken", volumes=", ".join(taken), claims=", ".join(waiting))]
        return [say("live.needs-provisioner", claims=", ".join(waiting))] if waiting else []


def _kubectl() -> str:
    found = os.environ.get("K8SVIZ_KUBECTL") or shutil.which("kubectl")
    if not found:
        raise K8svizError(say("live.no-kubectl"))
    return found


def _bash() -> str:
    found = shutil.which("bash")
    if not found:
        raise K8svizError(say("live.no-bash"))
    return found


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except (ProcessLookupError, PermissionError):
            break
        time.sleep(0.05)
    process.wait()


def _phase(obj: Object) -> str:
    return str((obj.get("status") or {}).get("phase", ""))


def is_fake(node: Object) -> bool:
    """Whether a node is only played, by kwok."""
    return _FAKE in mapping(node, "metadata", "annotations")


def _missing_nodes(step: StepSpec, spec: LabSpec, now: Snapshot) -> list[str]:
    named = set(re.findall(r"\bk8sviz-worker\d*\b", " ".join([step.command, *map(spec.text, step.files)])))
    missing = sorted(named - {n["metadata"]["name"] for n in now.objects("Node")})
    return [say("live.needs-node", nodes=", ".join(missing))] if missing else []


def _missing_images(now: Snapshot) -> list[str]:
    images = {
        str(c.get("image"))
        for pod in now.objects("Pod")
        for c in (pod.get("status") or {}).get("containerStatuses") or []
        if ((c.get("state") or {}).get("waiting") or {}).get("reason") in ("ErrImagePull", "ImagePullBackOff")
    }
    return [say("live.needs-image", images=", ".join(sorted(images)))] if images else []
