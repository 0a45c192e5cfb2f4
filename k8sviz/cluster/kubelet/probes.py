"""Probes: asks a container as its spec says, and counts. Once it knows the answer it sleeps until something changes.

Rule: pkg/kubelet/prober/worker.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from k8sviz.cluster.clock import Timer
from k8sviz.cluster.kubelet.shell import ExitShell, Shell
from k8sviz.rules.fields import integer, listed, mapped, mapping, strings, text

if TYPE_CHECKING:
    from k8sviz.cluster.kubelet.container import Container
    from k8sviz.cluster.kubelet.worker import Worker

__all__ = ["Prober"]

_SOON: Final = 0.04
_WORDS: Final = {"readinessProbe": "Readiness", "livenessProbe": "Liveness", "startupProbe": "Startup"}


class Prober:
    """One probe of one run of a container; tells its Worker of each change of the result."""

    def __init__(self, worker: Worker, container: Container, kind: str) -> None:
        self._worker = worker
        self._container = container
        self._kind = kind
        self._probe = mapping(container.spec, kind)
        self.result: bool | None = None
        self._row = 0
        self._last: bool | None = None
        self._timer: Timer | None = None
        self._next = worker.clock.now + (integer(self._probe, "initialDelaySeconds") or 0) + _SOON
        self._stopped = False
        self._plan(background=False)

    def stop(self) -> None:
        """No more probes."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def wake(self) -> None:
        """Something changed: ask again at the next turn."""
        if not self._stopped and (self._timer is None or self._timer.function is None or self._timer.background):
            if self._timer is not None:
                self._timer.cancel()
            self._plan(background=False)

    def _plan(self, *, background: bool) -> None:
        period = integer(self._probe, "periodSeconds") or 10
        now = self._worker.clock.now
        while self._next <= now:
            self._next += period * max(1, int((now - self._next) // period))
        self._timer = self._worker.later(self._next - now, self._tick, background=background)

    def _tick(self) -> None:
        if self._stopped or not self._container.running:
            return
        self._timer = None
        failure = self._ask()
        good = failure is None
        self._row = self._row + 1 if good == self._last else 1
        self._last = good
        if failure is not None:
            self._worker.event("Warning", "Unhealthy", f"{_WORDS[self._kind]} probe failed: {failure}", self._container)
        needed = integer(self._probe, "successThreshold" if good else "failureThreshold") or (1 if good else 3)
        changed = self._row >= needed and self.result != good
        if changed:
            self.result = good
            self._worker.probed(self._container, self._kind, good)
        if not good or self.result != good:
            self._plan(background=self.result == good)

    def _ask(self) -> str | None:
        """None when it succeeds, else what is wrong, in the kubelet's words."""
        if mapped(self._probe, "exec") is not None:
            return self._run(strings(self._probe, "exec", "command"))
        get = mapped(self._probe, "httpGet")
        if get is not None:
            return self._get(get)
        socket = mapped(self._probe, "tcpSocket") or mapped(self._probe, "grpc")
        if socket is not None:
            port = self._port(socket.get("port"))
            address = text(socket, "host") or self._worker.ip
            refused = f"dial tcp {address}:{port}: connect: connection refused"
            return None if self._worker.serve(port, "/") is not None else refused
        return None

    def _get(self, get: Any) -> str | None:
        port, path = self._port(get.get("port")), text(get, "path") or "/"
        path = path if path.startswith("/") else f"/{path}"
        address = text(get, "host") or self._worker.ip
        answer = self._worker.serve(port, path)
        if answer is None:
            scheme = (text(get, "scheme") or "HTTP").lower()
            refused = f"dial tcp {address}:{port}: connect: connection refused"
            return f'Get "{scheme}://{address}:{port}{path}": {refused}'
        return None if 200 <= answer[0] < 400 else f"HTTP probe failed with statuscode: {answer[0]}"

    def _port(self, port: object) -> int:
        if isinstance(port, int):
            return port
        for each in listed(self._container.spec, "ports"):
            if text(each, "name") == port:
                return integer(each, "containerPort") or 0
        return int(port) if isinstance(port, str) and port.isdigit() and len(port) < 6 else 0

    def _run(self, words: list[str]) -> str | None:
        process = self._container.process
        if process is None or not words:
            return None
        output = _Kept()
        run = Shell.execute(process.shell.copy(), words, "", output, output)
        spent, limit = 0.0, integer(self._probe, "timeoutSeconds") or 1
        while True:
            try:
                pause = next(run)
            except StopIteration as stop:
                return None if not stop.value else output.text
            except ExitShell as left:
                return None if not left.code else output.text
            spent += limit + 1 if pause is None else pause
            if spent > limit:
                return f'command timed out: "{" ".join(words)}" timed out after {limit}s'


class _Kept:
    """What a probe's command prints."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text = (self.text + text)[:10240]
