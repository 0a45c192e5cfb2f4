"""What a kubelet does for one Pod, from the moment that it is bound to the node until it is gone.

Rules: pkg/kubelet/pod_workers.go, kuberuntime. What a state means for the Pod is `rules/lifecycle`; the seconds
between the steps are what they took on the recorded cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from k8sviz.cluster.clock import Clock, Timer
from k8sviz.cluster.kubelet.container import Container
from k8sviz.cluster.kubelet.probes import Prober
from k8sviz.cluster.kubelet.process import Process, Unstartable, words_of
from k8sviz.cluster.kubelet.troubles import config_trouble, volume_troubles
from k8sviz.history import Object
from k8sviz.rules.admission import in_start_order
from k8sviz.rules.environment import environment
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.images import pull_problem
from k8sviz.rules.lifecycle import back_off, conditions, pod_phase, restarts_after
from k8sviz.rules.scheduling import pod_requests

if TYPE_CHECKING:
    from k8sviz.cluster.kubelet import Kubelets

__all__ = ["Worker"]

_ACCEPT: Final = 0.03
_MOUNT: Final = 0.1
_SANDBOX: Final = 0.45
_START: Final = 0.12
_RESTART: Final = 0.2
_REPORT: Final = 0.05
_GONE: Final = 0.5
_LEAST_GRACE: Final = 2  # minimumGracePeriodInSeconds
_WHEN_STARTED: Final = ("readinessProbe", "livenessProbe")
_RETRY: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 122.0)  # of a mount that failed
_AGAIN: Final = 12.0  # until a container that could not be made is tried again
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_STABLE: Final = 600.0  # after so long a run a crash counts as the first


class Worker:
    """One Pod on its node."""

    def __init__(self, kubelets: Kubelets, pod: Object) -> None:
        self.kubelets = kubelets
        self.clock: Clock = kubelets.clock
        self.uid = text(pod, "metadata", "uid")
        self.node = text(pod, "spec", "nodeName")
        self.pod: Object = pod
        self.ip = ""
        self.shows_ip = False
        self.network = False
        self.started_at = ""
        self._began = kubelets.clock.now
        self._seen = kubelets.clock.micro_stamp().replace("Z", "000Z")
        self.mounted = False
        self.leaving = False
        self.gone = False
        self.failures = 0  # of mounting, in a row
        self.containers = [
            Container(dict(each.container), each.role) for each in in_start_order(pod) if each.role != "ephemeral"
        ]
        if any(each.role in ("init", "sidecar") for each in self.containers):
            for each in self.containers:
                each.wait("PodInitializing")
        self._probers: dict[str, list[Prober]] = {}
        self._retry: tuple[Timer, Callable[[], object]] | None = None

    # -- time -------------------------------------------------------------------------------------------

    def later(self, seconds: float, act: Callable[[], object], *, background: bool = False) -> Timer:
        """Do something when so many seconds have passed, unless the Pod is gone; a silent kubelet does it later."""

        def do() -> None:
            if not self.gone:
                if self.kubelets.is_silent(self.node):
                    self.kubelets.hold(self.node, do)
                else:
                    act()

        return self.clock.later(seconds, do, background=background)

    def try_again(self, seconds: float, act: Callable[[], object]) -> None:
        """Try something again later; nobody waits for that, until something changes that it needs."""
        self._retry = (self.later(seconds, act, background=True), act)

    def something_changed(self) -> None:
        """What the Pod refers to has changed: what waits for it is then waited for."""
        if self._retry is not None and self._retry[0].function is not None:
            timer, act = self._retry
            timer.cancel()
            self._retry = None
            self.later(timer.time - self.clock.now, act)

    # -- the way up -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The Pod was bound to this node."""
        self.later(_ACCEPT, self._accept)

    def adopt(self) -> None:
        """The Pod ran here before the simulation began: go on with what its status says."""
        status = mapping(self.pod, "status")
        self.started_at = text(status, "startTime")
        self.ip = text(status, "podIP")
        self.shows_ip = bool(self.ip)
        states = {text(each, "type"): text(each, "status") for each in listed(status, "conditions")}
        self.network = states.get("PodReadyToStartContainers") == "True"
        known = {
            text(each, "name"): each
            for part in ("initContainerStatuses", "containerStatuses")
            for each in listed(status, part)
        }
        if not any("containerID" in each for each in known.values()):
            self.later(_MOUNT, self._sandbox if self.network else self._mount)
            return
        self.kubelets.disks.fill(self.local())
        self.mounted = True
        for each in self.containers:
            if each.name in known:
                each.adopt(known[each.name])
            if each.running:
                self._go_on(each)
            elif each.role == "init" and each.exit_code == 0:
                each.gone = True
            elif "waiting" in each.state:
                self.try_again(_AGAIN, partial(self._start, each))

    def _go_on(self, container: Container) -> None:
        """Run again what ran before, without a word of it: what it has written since is not known."""
        objects = self.kubelets.objects(self.pod)
        values = environment(self.local(), container.spec, objects).all_values()
        self._run(container, values)
        ready, started = container.ready, container.started
        try:
            if container.process is not None:
                container.process.start(words_of(container.spec, values))
        except Unstartable:
            return
        container.ready, container.started = ready, started
        if container.running:
            self._watch(container)

    def _run(self, container: Container, values: dict[str, str | None]) -> None:
        known = {name: value for name, value in values.items() if value is not None}
        variables = {"PATH": _PATH, "HOSTNAME": self.hostname, **known, "HOME": "/root"}
        view = self.kubelets.disks.view(self, container, variables)
        container.process = Process(self, container, view, variables)
        self.kubelets.new_log(self.uid, container.name)

    def _accept(self) -> None:
        self.started_at = self.clock.stamp()
        self.report()
        self.later(_MOUNT, self._mount)

    def _mount(self) -> None:
        if self.leaving:
            return
        self.pod = self.kubelets.now(self.uid) or self.pod
        troubles = volume_troubles(self.kubelets.disks, self.pod)
        for volume, words in troubles:
            self.event("Warning", "FailedMount", f'MountVolume.SetUp failed for volume "{volume}" : {words}')
        if troubles:
            delay = _RETRY[min(self.failures, len(_RETRY) - 1)]
            self.failures += 1
            self.try_again(delay, self._mount)
            return
        self.kubelets.disks.fill(self.local())
        self.mounted = True
        self.later(self._about(_SANDBOX), self._sandbox)

    def _sandbox(self) -> None:
        if self.leaving:
            return
        host = text(self.kubelets.host(self.node), "address")
        self.ip = host if self.pod["spec"].get("hostNetwork") else self.kubelets.addresses.next(self.node)
        self.network = True
        self.report()
        self.later(self._about(_START), self.proceed)

    def proceed(self) -> None:
        """Start what is next: init containers one by one, then all others."""
        if self.leaving:
            return
        for each in self.containers:
            if each.role == "init" and not each.gone:
                self._start_new(each)
                return
            if each.role == "sidecar" and not each.started:
                self._start_new(each)
                return
        waiting = [each for each in self.containers if each.role == "main" and not each.id]
        for i, each in enumerate(waiting):
            if each.state.get("waiting", {}).get("reason") in ("ContainerCreating", "PodInitializing"):
                self.later(i * _REPORT, partial(self._start, each))

    def _start_new(self, container: Container) -> None:
        if not container.id:
            self._start(container)

    def _start(self, container: Container) -> None:
        """Pull the image, make the container, run its program; or say what is wrong and try again."""
        if self.leaving or container.running:
            return
        self.shows_ip = True
        self.pod = self.kubelets.now(self.uid) or self.pod
        image = text(container.spec, "image")
        problem = pull_problem(image)
        if problem:
            self._cannot_pull(container, image, problem)
            return
        here = f'Container image "{image}" already present on machine and can be accessed by the pod'
        if text(container.spec, "imagePullPolicy") == "Always":
            self.event("Normal", "Pulling", f'Pulling image "{image}"', container)
            here = f'Successfully pulled image "{image}" in 141ms (141ms including waiting). Image size: 2140876 bytes.'
        self.event("Normal", "Pulled", here, container)
        objects = self.kubelets.objects(self.pod)
        found = environment(self.local(), container.spec, objects)
        trouble = config_trouble(self.local(), container.spec, objects)
        if trouble:
            self._cannot_make(container, "CreateContainerConfigError", trouble)
            return
        self.event("Normal", "Created", "Container created", container)
        values = found.all_values()
        container.run(self.clock.stamp(), self.kubelets.identifier())
        self._run(container, values)
        container.started = "startupProbe" not in container.spec
        container.ready = container.started and "readinessProbe" not in container.spec and container.role != "init"
        try:
            if container.process is not None:
                container.process.start(words_of(container.spec, values))
        except Unstartable as error:
            container.end(self.clock.stamp(), 128, "StartError")
            container.state["terminated"]["message"] = str(error)
            self.event("Warning", "Failed", f"Error: {error}", container)
            self._ended(container)
            return
        self.event("Normal", "Started", "Container started", container)
        if container.process is not None:  # else it has ended already
            self._watch(container)
        self.later(_REPORT, self._running)

    def _running(self) -> None:
        self.report()
        if any(each.role == "sidecar" and each.started for each in self.containers):
            self.proceed()

    def _cannot_pull(self, container: Container, image: str, problem: str) -> None:
        reason = text(container.state, "waiting", "reason")
        if reason in ("ErrImagePull", "ImagePullBackOff"):
            self.event("Normal", "BackOff", f'Back-off pulling image "{image}"', container)
            self.event("Warning", "Failed", "Error: ImagePullBackOff", container)
            container.wait("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {problem}')
        else:
            self.event("Normal", "Pulling", f'Pulling image "{image}"', container)
            self.event("Warning", "Failed", f'Failed to pull image "{image}": {problem}', container)
            self.event("Warning", "Failed", "Error: ErrImagePull", container)
            container.wait("ErrImagePull", problem)
        self.report()
        if reason == "ErrImagePull" or not reason.endswith("BackOff"):
            settling = reason != "ErrImagePull"
            self.later(_AGAIN, lambda: self._start(container), background=not settling)

    def _cannot_make(self, container: Container, reason: str, words: str) -> None:
        self.event("Warning", "Failed", f"Error: {words}", container)
        container.wait(reason, words)
        self.report()
        self.try_again(_AGAIN, lambda: self._start(container))

    # -- while it runs ----------------------------------------------------------------------------------

    def local(self) -> Object:
        """The Pod as the kubelet knows it: with its addresses, and the annotations that it adds (kubelet/config)."""
        notes = {**mapping(self.pod, "metadata", "annotations"), "kubernetes.io/config.seen": self._seen}
        meta = {**self.pod["metadata"], "annotations": {**notes, "kubernetes.io/config.source": "api"}}
        host = self.kubelets.host(self.node).get("address", "")
        status = {**mapping(self.pod, "status"), "hostIP": host, "hostIPs": [{"ip": host}]}
        if self.ip:
            status |= {"podIP": self.ip, "podIPs": [{"ip": self.ip}]}
        return {**self.pod, "metadata": meta, "status": status}

    def until_next_look(self, period: float) -> float:
        """Seconds until the kubelet looks again at a Pod by itself, which it does from the Pod's beginning on."""
        return period - (self.clock.now - self._began) % period

    def _about(self, seconds: float) -> float:
        """That long, or up to half as long again: no two Pods take the same time."""
        return seconds * (1 + self.clock.random.random() / 2)

    @property
    def hostname(self) -> str:
        """What the Pod's containers call themselves."""
        return (text(self.pod, "spec", "hostname") or text(self.pod, "metadata", "name"))[:63]

    def _watch(self, container: Container) -> None:
        self._probe(container, ("startupProbe",) if "startupProbe" in container.spec else _WHEN_STARTED)

    def _probe(self, container: Container, kinds: tuple[str, ...]) -> None:
        self._probers[container.name] = [
            Prober(self, container, kind) for kind in kinds if mapping(container.spec, kind)
        ]

    def touched(self) -> None:
        """Something happened in a container: a probe may now be answered otherwise."""
        for probers in self._probers.values():
            for prober in probers:
                prober.wake()

    def probed(self, container: Container, kind: str, good: bool) -> None:
        """A probe's result has changed."""
        if kind == "readinessProbe":
            container.ready = good
            self.report()
        elif kind == "startupProbe" and good:
            container.started = True
            container.ready = "readinessProbe" not in container.spec
            for prober in self._probers.pop(container.name, ()):
                prober.stop()
            self._probe(container, _WHEN_STARTED)
            self._running()
        elif not good and not self.leaving:
            word = "liveness" if kind == "livenessProbe" else "startup"
            said = f"Container {container.name} failed {word} probe, will be restarted"
            self.event("Normal", "Killing", said, container)
            self._stop(container, integer(self.pod, "spec", "terminationGracePeriodSeconds"))

    def _stop(self, container: Container, grace: int | None) -> None:
        """End one container, which is then started again."""
        process = container.process
        if process is not None:
            seconds = process.stop(max(_LEAST_GRACE, 30 if grace is None else grace))
            code = 137 if seconds > 1 else 143
            self.later(seconds, lambda: self._kill(container, process, code))

    def _kill(self, container: Container, process: Process, code: int) -> None:
        if container.process is process and not process.ended:
            process.kill()
            self.exited(container, code, "")

    def exited(self, container: Container, code: int, reason: str) -> None:
        """The program of a container has ended."""
        self._end(container, code, reason)
        if not self.leaving:
            self._ended(container)

    def _end(self, container: Container, code: int, reason: str) -> None:
        for prober in self._probers.pop(container.name, ()):
            prober.stop()
        container.end(self.clock.stamp(), code, reason)

    def _ended(self, container: Container) -> None:
        """Start it again if its Pod wants that, or go on without it."""
        policy = "Always" if container.role == "sidecar" else text(self.pod, "spec", "restartPolicy") or "Always"
        code = container.exit_code or 0
        if container.role == "init":
            again = code != 0 and policy != "Never"
        else:
            again = restarts_after(policy, code)
        self.later(_REPORT, self.report)
        if not again:
            container.gone = True
            if container.role == "init" and not code:
                self.later(_RESTART, self.proceed)
            elif all(each.gone or each.role == "sidecar" for each in self.containers if each.role != "init"):
                self._finished()
            return
        began = text(container.state, "terminated", "startedAt")
        lasted = self.clock.now - self.clock.seconds(began) if began and not began.startswith("1970") else 0.0
        container.crashes = 1 if lasted > _STABLE else container.crashes + 1
        pause = back_off(container.crashes)
        if not pause:
            self.later(_RESTART, lambda: self._start(container))
            return
        self.later(1.0, lambda: self._crash_loop(container, pause))
        self.later(pause, lambda: self._start(container), background=True)

    def _crash_loop(self, container: Container, pause: int) -> None:
        name = f"{text(self.pod, 'metadata', 'name')}_{text(self.pod, 'metadata', 'namespace')}({self.uid})"
        message = f"back-off {_duration(pause)} restarting failed container={container.name} pod={name}"
        if "terminated" in container.state and not self.leaving:
            container.wait("CrashLoopBackOff", message)
            words = f"Back-off restarting failed container {container.name} in pod {name}"
            self.event("Warning", "BackOff", words, container)
            self.report()

    def _finished(self) -> None:
        """All that was to run has run: the sandbox goes."""
        for each in self.containers:
            if each.running and each.process is not None:
                each.process.kill()
                self._end(each, 143, "")
        self.network = False
        self.later(_RESTART, self.report)

    # -- the way out ------------------------------------------------------------------------------------

    def terminate(self, pod: Object) -> None:
        """The Pod was marked for deletion: stop its containers within its grace period, then let it go."""
        self.pod = pod
        if self.leaving:
            return
        self.leaving = True
        self.later(_REPORT, self._stop_all)

    def _stop_all(self) -> None:
        self.pod = self.kubelets.now(self.uid) or self.pod
        running = [each for each in self.containers if each.running]
        grace = max(_LEAST_GRACE, integer(self.pod, "metadata", "deletionGracePeriodSeconds") or 0)
        longest = 0.0
        for each in running:
            self.event("Normal", "Killing", f"Stopping container {each.name}", each)
            hook = float(integer(each.spec, "lifecycle", "preStop", "sleep", "seconds") or 0)
            seconds = min(float(grace), hook + each.process.stop(grace - hook)) if each.process else 0.0
            code = 137 if seconds >= grace else self._code(each)
            self.later(seconds + _REPORT, partial(self._stopped, each, code))
            longest = max(longest, seconds)
        self.report()
        self.later(longest + _RESTART, self._leave)

    def _code(self, container: Container) -> int:
        return 0 if container.process is not None and container.process.stops else 143

    def _stopped(self, container: Container, code: int) -> None:
        if container.running:
            if container.process is not None:
                container.process.kill()
            self._end(container, code, "")

    def _leave(self) -> None:
        for each in self.containers:
            if not each.running and "waiting" in each.state and each.id:
                each.gone = True
        self.network = False
        self.report()
        self.later(_GONE, self._delete)

    def _delete(self) -> None:
        self.kubelets.delete(self.pod)

    def forget(self) -> None:
        """The Pod is no longer in the API: nothing of it remains."""
        for each in self.containers:
            if each.process is not None:
                each.process.kill()
        for probers in self._probers.values():
            for prober in probers:
                prober.stop()
        self.gone = True

    # -- what it tells ----------------------------------------------------------------------------------

    def event(self, kind: str, reason: str, message: str, container: Container | None = None) -> None:
        """Write an Event about the Pod, or about one of its containers."""
        part = "initContainers" if container is not None and container.role != "main" else "containers"
        field = f"spec.{part}{{{container.name}}}" if container is not None else ""
        self.kubelets.event(self.pod, kind, reason, message, self.node, field)

    def report(self) -> None:
        """Write the Pod's status, if it has changed."""
        pod = self.kubelets.now(self.uid)
        if pod is None:
            return
        self.pod = pod
        main = [each.status(pod) for each in self.containers if each.role == "main"]
        init = [each.status(pod) for each in self.containers if each.role != "main"]
        phase = pod_phase(pod, main, init)
        now = self.clock.stamp()
        host = self.kubelets.host(self.node)
        status: dict[str, Any] = {
            "observedGeneration": integer(pod, "metadata", "generation") or 1,
            "phase": phase,
            "conditions": conditions(pod, phase, main, init, network=self.network, now=now),
            **({"hostIP": host["address"], "hostIPs": [{"ip": host["address"]}]} if host else {}),
        }
        if self.shows_ip and self.ip:
            status |= {"podIP": self.ip, "podIPs": [{"ip": self.ip}]}
        status["startTime"] = self.started_at
        if init:
            status["initContainerStatuses"] = init
        status |= {"containerStatuses": main, "qosClass": text(pod, "status", "qosClass") or "BestEffort"}
        status |= _resources(pod)
        self.kubelets.write({**pod, "status": status})

    def serve(self, port: int, path: str) -> tuple[int, str] | None:
        """What the Pod answers to GET on a port; None when nobody listens there."""
        for each in self.containers:
            answer = each.process.serve(port, path) if each.running and each.process is not None else None
            if answer is not None:
                return answer
        return None

    def fetch(self, host: str, port: int, path: str) -> tuple[int, str]:
        """GET from one of its containers. Raises OSError."""
        return self.kubelets.fetch(self, host, port, path)


def _resources(pod: Object) -> dict[str, Any]:
    """The Pod's resources as the kubelet sums them up."""
    if not pod_requests(pod):
        return {"resources": {}}
    parts = [mapping(each, "resources") for each in listed(pod, "spec", "containers")]
    if len(parts) != 1:
        return {"resources": {}}
    found: dict[str, Any] = {
        name: dict(mapping(parts[0], name)) for name in ("limits", "requests") if mapping(parts[0], name)
    }
    return {"allocatedResources": dict(mapping(parts[0], "requests")), "resources": found}


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
