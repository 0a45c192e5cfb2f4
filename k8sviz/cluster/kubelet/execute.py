"""`kubectl exec`: one command in a running container."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from k8sviz.cluster.kubelet.programs import PROGRAMS
from k8sviz.cluster.kubelet.shell import Buffer, ExitShell
from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.rules.fields import listed, text

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster

__all__ = ["execute"]

_LONGEST = 3600.0  # seconds of simulated time that a command may take


def execute(cluster: Cluster, pod: Object, container: str, argv: Sequence[str], stdin: str) -> tuple[int, str, str]:
    """Exit code, output and errors. Raises Refused, in the API server's words."""
    first = listed(pod, "spec", "containers")
    name = container or text(first[0] if first else {}, "name")
    worker = cluster.kubelets.workers.get(text(pod, "metadata", "uid"))
    if worker is None:
        where = f"pod {text(pod, 'metadata', 'name')} does not have a host assigned"
        raise Refused(400, "BadRequest", where)
    found = next((each for each in worker.containers if each.name == name), None)
    if found is None:
        raise Refused(400, "BadRequest", f"container {name} is not valid for pod {text(pod, 'metadata', 'name')}")
    if found.process is None:
        raise Refused(500, "InternalError", f'unable to upgrade connection: container not found ("{name}")')
    out, err = Buffer(), Buffer()
    words = list(argv)
    if not words or (words[0].rpartition("/")[2] not in PROGRAMS):
        return 127, "", _no_such_program(words[0] if words else "")
    run = found.process.shell.copy().execute(words, stdin, out, err)
    spent = 0.0
    while spent <= _LONGEST:
        try:
            pause = next(run)
        except StopIteration as stop:
            worker.touched()
            return int(stop.value or 0), out.text, err.text
        except ExitShell as left:
            worker.touched()
            return left.code, out.text, err.text
        if pause is None:
            break
        spent += pause
        worker.touched()
        cluster.run(pause)
    return 130, out.text, err.text


def _no_such_program(word: str) -> str:
    return (
        "error: Internal error occurred: Internal error occurred: error executing command in container: failed to exec "
        "in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: "
        f'exec: "{word}": executable file not found in $PATH'
    )
