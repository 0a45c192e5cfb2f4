"""A fork: a simulated cluster that begins as something was at a moment, to go on by yourself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from k8sviz import show
from k8sviz.history import History, Result, Snapshot, Step
from k8sviz.looking import Looking
from k8sviz.words import say

if TYPE_CHECKING:
    from k8sviz.render.picture import Picture
    from k8sviz.show import Source, What
    from k8sviz.views.terminal import Terminal

__all__ = ["Fork", "fork"]


class Fork(Looking):
    """The past of a source up to a moment, and the future that you make of it.

    `began` is the seam, in seconds: what comes after it is predicted. Pictures, films, reasons and charts are those
    of a lab; `folder` holds the files that commands can name.
    """

    def __init__(self, begin: Snapshot, *, files: Mapping[str, str] | None = None, seed: int = 0) -> None:
        from k8sviz.cluster import RECORDED, Cluster, chances_of
        from k8sviz.kubectl.prompt import Prompt
        from k8sviz.kubectl.simulated import Simulated

        self._source = begin.history
        t = min(begin.t, begin.history.end)
        by_lot = chances_of(begin.history, until=t)._replace(nodes={})
        self.cluster = Cluster(begin, seed=seed, settings=RECORDED, chances=by_lot)
        self._target = Simulated(self.cluster)
        self.folder: dict[str, str] = dict(files or {})
        self._prompt = Prompt(self._target, namespace=begin.about.namespace or "default", files=self.folder)
        self._count = 0
        self._note("fork", say("kubectl.seam"), Result(self.began, 0))

    def _note(self, step_id: str, command: str, result: Result, began: float | None = None) -> None:
        """Put a command into the History, where films show it as a step."""
        self.history.begin_step(Step(self.began if began is None else began, step_id, command))
        self.history.end_step(step_id, result)

    @property
    def history(self) -> History:
        """The past of the source, and what was done since."""
        return self.cluster.history

    @property
    def now(self) -> float:
        """The cluster's clock."""
        return self.cluster.clock.now

    @property
    def began(self) -> float:
        """Where the source's past ends and the prediction begins (seconds)."""
        return self.cluster.began

    # -- doing -------------------------------------------------------------------------------------

    def kubectl(self, line: str) -> Terminal:
        """Run a kubectl line (`scale deployment kubia --replicas=8`), or several joined as a shell joins them.

        The word kubectl itself may be left out.
        """
        text = line.strip()
        first = text.split(None, 1)[0] if text else ""
        from k8sviz.kubectl.command import COMMANDS

        return self.run(f"kubectl {text}" if first in COMMANDS else text)

    def run(self, text: str) -> Terminal:
        """Run what a person types at a shell's prompt."""
        from k8sviz.views.terminal import Terminal

        began = self.now
        answer = self._prompt.run(text)
        self._count += 1
        result = Result(self.now, answer.code, answer.out, answer.err)
        self._note(f"fork-{self._count}", text, result, began)
        return Terminal(
            text, stdout=answer.out, stderr=answer.err, exit_code=answer.code, notes=(say("kubectl.simulated"),)
        )

    def apply(self, text: str, name: str = "change.yaml") -> Terminal:
        """Apply a manifest's text, which is then a file of the folder."""
        self.folder[name] = text
        return self.run(f"kubectl apply -f {name}")

    def wait(self, what: float | str = 10.0) -> Fork:
        """Let seconds pass, or wait as `kubectl wait` does ("pod/kubia-0 --for=condition=Ready"). Returns the fork."""
        if isinstance(what, str):
            self.run(f"kubectl wait {what}")
        else:
            self.cluster.run(what)
            self.history.end = max(self.history.end, self.now)
        return self

    def use(self) -> Fork:
        """From now on `%kubectl` and `%%kubectl` in this notebook speak to this fork. Returns the fork."""
        from k8sviz.magics import use

        return use(self)

    # -- comparing ---------------------------------------------------------------------------------

    def compare(self, story: str | None = None, what: What = None, *, at: float | None = None) -> Picture:
        """The same time in the source and in the fork, side by side.

        `at` is in seconds (None: as far as both have come). Raises K8svizError when there is no such story or object.
        """
        t = min(self.now, self._source.end) if at is None else at
        name = story or show.default_story(self.history)
        real = show.draw(name, self._source, what, at=t)
        mine = show.draw(name, self.history, what, at=t)
        shown = f"{t:.1f}"
        titles = (
            say("kubectl.compared-real", name=self._source.about.name or self._source.about.title, t=shown),
            say("kubectl.compared-fork", t=shown),
        )
        return show.beside(real, mine, titles=titles)

    def __repr__(self) -> str:
        return say("kubectl.fork", began=f"{self.began:.1f}", now=f"{self.now:.1f}", name=self.history.about.name)


def fork(
    source: Source, *, at: str | float | None = None, files: Mapping[str, str] | None = None, seed: int = 0
) -> Fork:
    """A simulated cluster that begins as a source was at a moment, and goes on by itself and by your commands.

    `source` is a lab or its name, a recording, manifests, or "live" (which is only read); `at` a step's id (its settled
    state) or seconds. Raises K8svizError for an unknown source or time.

    >>> mine = fork("ch06-static-binding", at="apply-pv")
    >>> print(mine.kubectl("get pv -o name"))
    $ kubectl get pv -o name
    persistentvolume/demo-pv
    (predicted: this ran on the simulated cluster)
    """
    opened = show.open_source(source)
    if isinstance(opened, Snapshot):
        return Fork(opened, files=files, seed=seed)
    moment = opened.time(at) if at is not None or not isinstance(source, show.Underway) else source.now
    return Fork(opened.at(moment), files=files, seed=seed)
