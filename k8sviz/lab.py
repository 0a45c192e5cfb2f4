"""A lab, step by step, with the pictures, films and reasons that go with it: what a notebook calls."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, overload

from k8sviz.errors import K8svizError
from k8sviz.history import History, Result
from k8sviz.letters import printable
from k8sviz.looking import Looking
from k8sviz.words import say

if TYPE_CHECKING:
    from k8sviz.fork import Fork
    from k8sviz.sources.labs import LabSpec, StepSpec
    from k8sviz.sources.recorded_lab import Runner
    from k8sviz.views.terminal import Session, Terminal

__all__ = ["Lab"]


def _runner(spec: LabSpec, source: str, context: str | None, yes: bool) -> Runner:
    if source == "recorded":
        from k8sviz.sources.recorded_lab import Recorded

        return Recorded(spec)
    if source == "live":
        from k8sviz.sources.live_lab import LiveLab

        return LiveLab(spec, context=context, yes=yes)
    if source == "simulated":
        from k8sviz.kubectl.simulated_lab import SimulatedLab

        return SimulatedLab(spec)
    raise K8svizError(say("lab.unknown-source", name=source))


class Lab(Looking):
    """One lab, step by step.

    `source` says where: "recorded" (the default, also from the environment variable K8SVIZ_SOURCE) plays what a
    real cluster did; "live" runs the commands on the cluster of `context` (or K8SVIZ_CONTEXT), which must be named;
    "simulated" runs them on the simulated cluster, which needs none.
    `yes` says that a cluster which looks like production, or is not on this machine, is meant. `state` is the cluster
    now, `history` everything that was recorded or seen.

    >>> lab = Lab("ch06-static-binding")
    >>> lab.do("apply-local-without-affinity").exit_code
    1
    >>> lab.do("apply-pv")
    Traceback (most recent call last):
    k8sviz.errors.K8svizError: step 'apply-pv' comes after 'apply-pvc'; run lab.do('apply-pvc') first
    """

    def __init__(self, name: str, *, source: str | None = None, context: str | None = None, yes: bool = False) -> None:
        from k8sviz.sources.labs import load_lab

        self._spec = load_lab(name)
        self._source = source or os.environ.get("K8SVIZ_SOURCE") or "recorded"
        self._new_runner = partial(_runner, self._spec, self._source, context, yes)
        self._runner = self._new_runner()
        self._results: dict[str, Result] = {}

    # -- the steps -------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The lab's name."""
        return self._spec.name

    @property
    def title(self) -> str:
        """What the lab is about."""
        return self._spec.title

    @property
    def steps(self) -> tuple[StepSpec, ...]:
        """The steps in order."""
        return self._spec.steps

    @overload
    def do(self, step_id: str, /) -> Terminal: ...
    @overload
    def do(self, step_id: str, /, *more: str) -> Terminal | Session: ...
    def do(self, step_id: str, /, *more: str) -> Terminal | Session:
        """Run a step, or several, and show each command, its files and its output.

        The lab's `state` is then what the cluster was once the steps' consequences were in. A step that was done
        before shows its output again. Raises K8svizError for an unknown step, or one whose turn has not come.
        """
        from k8sviz.views.terminal import Session

        shown = [self._do(one) for one in (step_id, *more)]
        return Session(shown) if more else shown[0]

    def _do(self, step_id: str) -> Terminal:
        from k8sviz.views.terminal import Terminal

        step = self._spec.step(step_id)
        again = step_id in self._results
        if not again:
            first = next(s for s in self.steps if s.id not in self._results)
            if first.id != step_id:
                raise K8svizError(say("lab.ahead", wanted=step_id, first=first.id))
            self._results[step_id] = self._runner.run(step)
        result = self._results[step_id]
        return Terminal(
            step.command,
            files={name: self._spec.text(name) for name in step.files},
            about=step.about,
            stdout=result.stdout,
            stderr=result.stderr,
            exit_code=result.exit_code,
            notes=(*self._runner.notes(step_id), *((say("lab.again"),) if again else ())),
        )

    def do_until(self, step_id: str) -> Terminal:
        """Run every step that is not done yet, up to this one, and show this one."""
        self._spec.step(step_id)
        shown = None
        for step in self.steps:
            if step.id not in self._results or step.id == step_id:
                shown = self._do(step.id)
            if step.id == step_id:
                break
        assert shown is not None  # noqa: S101 - the step is one of the lab's
        return shown

    def restart(self) -> Lab:
        """Begin again: no step is done, and the cluster is as it was before the first. Returns the lab.

        Raises K8svizError on a live cluster, whose past stays: clean up, and make the lab anew.
        """
        if self._source == "live":
            raise K8svizError(say("lab.no-way-back"))
        self._runner = self._new_runner()
        self._results.clear()
        return self

    def back(self, step_id: str) -> Lab:
        """Go back to just after this step, which was done before: the later ones are to do again. Returns the lab.

        Raises K8svizError for a step that was not done yet, and on a live cluster.
        """
        self._spec.step(step_id)
        if step_id not in self._results:
            raise K8svizError(say("lab.not-done", step=step_id))
        self.restart()
        self.do_until(step_id)
        return self

    def fork(self, *, at: str | float | None = None, seed: int = 0) -> Fork:
        """A simulated cluster that begins as the lab's is now (or at a step's settled state), to go on by yourself.

        Its folder holds the files of all the lab's steps. Raises K8svizError for an unknown step.
        """
        from k8sviz.fork import fork

        files = {name: self._spec.text(name) for step in self.steps for name in step.files}
        return fork(self, at=at, files=files, seed=seed)

    def cleanup(self) -> None:
        """Live: remove from the cluster what this lab has made, and nothing else. Recorded: nothing to do."""
        self._runner.cleanup()

    # -- the cluster -------------------------------------------------------------------------------

    @property
    def history(self) -> History:
        """Everything that happened in this lab (recorded: also what is still to come)."""
        return self._runner.history

    @property
    def now(self) -> float:
        """Seconds since the lab began."""
        return self._runner.now()

    def __repr__(self) -> str:
        steps = [f"  {mark} {step.id}" for mark, step in self._marks()]
        return "\n".join(map(printable, [say("lab.lab", name=self.name, title=self.title), *steps]))

    def _marks(self) -> list[tuple[str, StepSpec]]:
        following = next((s.id for s in self.steps if s.id not in self._results), None)
        return [("✓" if s.id in self._results else "▸" if s.id == following else "·", s) for s in self.steps]

    def _repr_html_(self) -> str:
        from k8sviz.views.assets import UNTYPESET

        words = {"✓": say("lab.done"), "▸": say("lab.next"), "·": say("lab.to-do")}
        rows = "".join(
            f'<tr><td><span aria-label="{words[mark]}">{mark}</span></td>'
            f"<td style='text-align:left'><code>{_shown(step.id)}</code></td>"
            f"<td style='text-align:left'>{_shown(step.about)}</td></tr>"
            for mark, step in self._marks()
        )
        head = f"<p><b>{_shown(self.name)}</b>: {_shown(self.title)}</p>"
        return f'<div class="{UNTYPESET}">{head}<table>{rows}</table></div>'


def _shown(text: str) -> str:
    from html import escape  # here, since it loads two thousand names

    return escape(printable(text), quote=True)
