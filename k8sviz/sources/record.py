"""Recording: what happens on a cluster, line by line into a file, so that a crash loses at most the last line.

What may hold values stands in `FILE.part`, which only its owner can read: an output may show a value before its Secret
is seen. FILE itself is written at the end, when all is known, and is safe to share: a lab without the values of its
Secrets, a namespace with a token for every value that pictures and reasons do not need. A recording that was killed
leaves the `.part`; `k8sviz redact FILE.part -o FILE` finishes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from k8sviz.errors import K8svizError
from k8sviz.history import Result, Step
from k8sviz.secrets.redact import redacted
from k8sviz.secrets.tokens import TOKENS, denied
from k8sviz.sources.follow import Follower, Server, Tape
from k8sviz.sources.labs import LabSpec, load_lab
from k8sviz.sources.live_lab import LiveLab
from k8sviz.sources.recording import Writer, read, write
from k8sviz.stories import FOLLOWED
from k8sviz.words import say

__all__ = ["record_lab", "record_namespace", "redact_file"]

Progress = Callable[[str], None]
_IN_MEMORY: float = 5.0  # seconds of what was recorded that stay in memory; all of it is in the file
# RECORDING-FORMAT has none of these
_NEWER = (
    "VolumeAttributesClass",
    "VolumeAttachment",
    "CSINode",
    "CSIDriver",
    "PodDisruptionBudget",
    "ResourceQuota",
    "LimitRange",
)
_RECORDED = tuple(kind for kind in FOLLOWED if kind not in _NEWER)


class _Late:
    """A tape whose header is written when the first thing comes: only then is known what the server is."""

    def __init__(self, begin: Callable[[], Tape]) -> None:
        self._begin = begin
        self._tape: Tape | None = None

    def _there(self) -> Tape:
        if self._tape is None:
            self._tape = self._begin()
        return self._tape

    def event(self, t: float, type: str, obj: dict[str, object]) -> None:  # noqa: A002 - the watch's own word
        self._there().event(t, type, obj)

    def step(self, step: Step) -> None:
        self._there().step(step)

    def result(self, step_id: str, result: Result) -> None:
        self._there().result(step_id, result)


@contextmanager
def _recording(path: Path, secrets: bool, follower: Callable[[], Follower], *, values: bool = True) -> Iterator[Tape]:
    """A tape into a file that only its owner may read; what may not be shown is taken out when all is known."""
    part = path if secrets else path.with_name(f"{path.name}.part")
    if path.exists():
        raise K8svizError(say("live.exists", path=path))
    try:
        file = open(part, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115 - closed below
    except FileExistsError:
        raise K8svizError(say("live.exists", path=part)) from None
    except OSError as error:
        raise K8svizError(f"cannot write {part}: {error.strerror or error}") from None
    writers: list[Writer] = []

    def begin() -> Tape:
        about = follower().history.about
        writers.append(Writer(file, about if values else about._replace(values=TOKENS)))
        return writers[0]

    try:
        with file:
            yield _Late(begin)
            end = follower().now()
            follower().close()
            if follower().failure:
                raise K8svizError(say("live.stopped", path=path, why=follower().failure))
            if not writers:
                begin()
            writers[0].close(end)
    finally:
        if not secrets:
            _finish(part, path, empty=not writers)


def _finish(part: Path, path: Path, *, empty: bool) -> None:
    """Make the file that can be shared of what was recorded, also when an error or a person ended it."""
    if not empty:
        redact_file(part, path)
    part.unlink()


def redact_file(path: str | os.PathLike[str], out: str | os.PathLike[str], *, tokens: bool = False) -> None:
    """Write a recording anew without secret values; `out` appears whole or not at all. Raises K8svizError.

    With `tokens`, or when the recording was begun so, every value that pictures do not need becomes a token.
    """
    history = read(path)
    begun = history.about.values == TOKENS and history.about.secret_values == "kept"  # noqa: S105 - the header's word
    made = denied(history) if tokens or begun else redacted(history)
    write(made, out)


def record_namespace(
    server: Server,
    namespace: str,
    path: Path,
    *,
    progress: Progress,
    seconds: float | None = None,
    values: bool = False,
    secrets: bool = False,
    tell: Progress | None = None,
) -> int:
    """Record a namespace for some seconds, or until the caller is interrupted. Returns how many changes came.

    Only reads. Every value that pictures and reasons do not need becomes a token, unless `values` asks for them; those
    of Secrets are masked all the same, unless `secrets` asks for them as well. `tell` is told at the end what is
    missing in the recording, and why. Raises K8svizError.
    """
    follower = Follower(server, namespace, kinds=_RECORDED, keep=_IN_MEMORY, name=namespace, title=namespace)
    with _recording(path, secrets, lambda: follower, values=values or secrets) as tape:
        follower.use_tape(tape)
        with follower.start():
            try:
                _until(follower, seconds, progress)
            except KeyboardInterrupt:  # the way to end it
                progress(say("live.ends"))
        if tell is not None:
            for note in follower.history.notes:
                tell(note)
        return follower.changes


def _until(follower: Follower, seconds: float | None, progress: Progress) -> None:
    while not follower.closed and (seconds is None or follower.now() < seconds):
        left = 1.0 if seconds is None else min(1.0, max(0.05, seconds - follower.now()))
        follower.wait(follower.changes, left)
        progress(say("live.progress", seconds=round(follower.now()), changes=follower.changes))


def record_lab(
    lab: str | LabSpec,
    path: Path,
    *,
    progress: Progress,
    context: str | None = None,
    yes: bool = False,
    secrets: bool = False,
) -> list[str]:
    """Run a lab on a cluster and record it. Returns what a person should know (steps that could not be done).

    The cluster must be named (`context`, K8SVIZ_CONTEXT). Raises K8svizError.
    """
    spec = load_lab(lab) if isinstance(lab, str) else lab
    runner = LiveLab(spec, context=context, yes=yes)
    notes = []
    try:
        with _recording(path, secrets, lambda: runner.follower) as tape:
            runner.follower.use_tape(tape)
            for number, step in enumerate(spec.steps, 1):
                progress(say("live.step", lab=spec.name, number=number, count=len(spec.steps), step=step.id))
                runner.run(step)
                notes += [f"{step.id}: {note}" for note in runner.notes(step.id)]
    finally:
        runner.cleanup()
    return notes
