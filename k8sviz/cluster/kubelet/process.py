"""What runs in a container: its words as a script, or, for a program that nobody knows, what is declared or assumed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from k8sviz.cluster.kubelet.disk import View
from k8sviz.cluster.kubelet.programs import PROGRAMS
from k8sviz.cluster.kubelet.shell import ExitShell, Run, Shell
from k8sviz.history import Object
from k8sviz.rules.environment import expand_command
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.images import known_image

if TYPE_CHECKING:
    from k8sviz.cluster.kubelet.container import Container
    from k8sviz.cluster.kubelet.worker import Worker

__all__ = ["BEHAVIOUR", "Process", "Unstartable", "behaviour", "words_of"]

BEHAVIOUR: Final = "k8sviz.io/behaviour"
"""The annotation of a Pod that declares what its containers do: JSON, the container's name to a Behaviour's fields."""
_LEAST: Final = 0.2  # seconds from start to end
_STOP: Final = 0.2  # seconds that a program takes to end when it is asked to


class Behaviour(NamedTuple):
    """What a program does: ends with `exit` after so many seconds (None: never), listens, ends on SIGTERM.

    `reason` is the reason of its end (OOMKilled); `ready` is after how many seconds it answers.
    """

    exit: int | None = None
    after: float = 1.0
    reason: str = ""
    ready: float = 0.0
    listens: bool = True
    stops: bool = True


class Unstartable(Exception):  # noqa: N818 - the runtime's answer
    """The runtime cannot start a container; its words."""


def behaviour(pod: Object, container: str) -> Behaviour | None:
    """What the Pod's annotation declares for a container; None when it says nothing that can be read."""
    written = text(pod, "metadata", "annotations", BEHAVIOUR)
    try:
        found = json.loads(written) if written else None
    except ValueError:
        return None
    own = mapping(found, container) if isinstance(found, dict) else {}
    known = {name: value for name, value in own.items() if name in Behaviour._fields}
    plain = all(isinstance(value, int | float | str) for value in known.values())
    return Behaviour(**known) if known and plain else None


class _Log:
    """Where a container's output goes."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def write(self, text: str) -> None:
        self.process.log(text)


class Process:
    """The main process of one run of a container, with those that it starts beside it."""

    def __init__(self, worker: Worker, container: Container, view: View, variables: dict[str, str]) -> None:
        self._worker = worker
        self._container = container
        self.view = view
        self.listening: dict[int, str] = {}
        self.answers_all = False  # nobody knows what it serves
        self.ended = False
        self.variables = variables
        self._began = worker.clock.now
        self._declared = behaviour(worker.pod, container.name)
        self.shell = Shell(self, view, PROGRAMS, variables, folder=text(container.spec, "workingDir") or "/")
        self.stops = False

    # -- the world of its shell -----------------------------------------------------------------------

    def now(self) -> float:
        """Seconds since 1970."""
        return self._worker.clock.start.timestamp() + self._worker.clock.now

    def spawn(self, run: Run) -> None:
        """Run something beside it."""
        self._step(run, main=False)

    def listen(self, port: int, root: str) -> None:
        """It serves a folder by HTTP."""
        self.listening[port] = root

    def fetch(self, host: str, port: int, path: str) -> tuple[int, str]:
        """GET from somebody else. Raises OSError."""
        return self._worker.fetch(host, port, path)

    def log(self, text: str) -> None:
        """It printed something."""
        self._worker.kubelets.log(self._worker.uid, self._container.name, text)

    # -- its life -------------------------------------------------------------------------------------

    def start(self, words: list[str]) -> None:
        """Run it. Raises Unstartable when there is no such program."""
        image = known_image(text(self._container.spec, "image"))
        if self._declared is not None:
            self._follow(self._declared)
            return
        words = words or list(image.command)
        program = words[0].rpartition("/")[2] if words else ""
        if program in PROGRAMS:
            self._step(self._run(words), main=True)
        elif program == "kubectl" and "proxy" in words:
            ports = [word.removeprefix("--port=") for word in words if word.startswith("--port=")]
            self.listening[int(ports[0]) if ports and ports[0].isdigit() else 8001] = ""
            self.answers_all = True
        elif image.stops:
            self._assume(image.listens)
        else:
            raise Unstartable(
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
                f'failed: unable to start container process: error during container init: exec: "{words[0]}": '
                "executable file not found in $PATH"
            )

    def _follow(self, declared: Behaviour) -> None:
        self.stops = declared.stops
        if declared.listens:
            self._worker.later(declared.ready, self._answer, background=False)
        if declared.exit is not None:
            code, reason = declared.exit, declared.reason
            self._worker.later(declared.after, lambda: self._end(code, reason), background=self._in_background)

    def _answer(self) -> None:
        self.answers_all = True
        self._worker.touched()

    def _assume(self, port: int) -> None:
        """Nobody knows this program: it runs, answers on the Pod's ports, and ends when it is asked to."""
        self.answers_all = self.stops = True
        if port:
            self.listening[port] = ""
        for each in listed(self._container.spec, "ports"):
            self.listening[integer(each, "containerPort") or 0] = ""

    def _run(self, words: list[str]) -> Run:
        log = _Log(self)
        try:
            return (yield from self.shell.execute(words, "", log, log))
        except ExitShell as left:
            return left.code

    @property
    def _in_background(self) -> bool:
        """Whether nobody waits for what it does next: a program that is to run for ever has no end to wait for."""
        return self._container.role not in ("init",)

    def _step(self, run: Run, *, main: bool) -> None:
        if self.ended:
            return
        try:
            pause = next(run)
        except StopIteration as stop:
            self._worker.touched()
            if main:
                self._end(int(stop.value or 0), "")
            return
        except RecursionError:
            self._end(2, "")
            return
        self._worker.touched()
        if pause is not None:
            self._worker.later(pause, lambda: self._step(run, main=main), background=self._in_background)

    def _end(self, code: int, reason: str) -> None:
        """It ends; also the shortest program takes a moment, in which it is seen to run."""
        left = self._began + _LEAST - self._worker.clock.now
        if left > 0 and not self.ended:
            self._worker.later(left, lambda: self._end(code, reason))
        elif not self.ended:
            self.ended = True
            self._worker.exited(self._container, code, reason)

    def stop(self, grace: float) -> float:
        """It was asked to end (SIGTERM): the seconds that it takes, at most the grace period."""
        trapped = not self.shell.traps.keys().isdisjoint(("TERM", "15"))
        return min(_STOP, grace) if self.stops or trapped else grace

    def kill(self) -> None:
        """It is gone."""
        self.ended = True
        self.listening.clear()
        self.answers_all = False

    def serve(self, port: int, path: str) -> tuple[int, str] | None:
        """What it answers to GET; None when it does not listen there."""
        if self.ended or (port not in self.listening and not self.answers_all):
            return None
        root = self.listening.get(port, "")
        if not root:
            return (200, "") if self.answers_all or port in self.listening else None
        return self._file(root, path)

    def _file(self, root: str, path: str) -> tuple[int, str]:
        place = self.view.absolute(path.partition("?")[0].lstrip("/"), root)
        if place.rstrip("/") == root.rstrip("/"):
            place = self.view.absolute("index.html", root)
        try:
            return 200, self.view.read(place).decode("utf-8", "replace")
        except OSError:
            return 404, ""


def words_of(container: Any, values: dict[str, str | None]) -> list[str]:
    """A container's command and arguments with `$(VAR)` put in."""
    command, args = expand_command(container, values)
    return [word or "" for word in (*command, *args)]
