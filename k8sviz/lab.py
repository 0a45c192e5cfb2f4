"""A lab, step by step, with the pictures, films and reasons that go with it: what a notebook calls."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, overload

from k8sviz import show
from k8sviz.errors import K8svizError
from k8sviz.history import History, Result, Snapshot
from k8sviz.kinds import Ref
from k8sviz.letters import printable
from k8sviz.words import say

if TYPE_CHECKING:
    from k8sviz.render.charts import Chart
    from k8sviz.render.picture import Picture
    from k8sviz.show import What
    from k8sviz.sources.labs import LabSpec, StepSpec
    from k8sviz.sources.recorded_lab import Runner
    from k8sviz.views.explanation import Because, Troubles
    from k8sviz.views.inspector import Inspector
    from k8sviz.views.player import Player
    from k8sviz.views.terminal import Session, Terminal, Told

__all__ = ["Lab"]


def _runner(spec: LabSpec, source: str, context: str | None, yes: bool) -> Runner:
    if source == "recorded":
        from k8sviz.sources.recorded_lab import Recorded

        return Recorded(spec)
    if source == "live":
        from k8sviz.sources.live_lab import LiveLab

        return LiveLab(spec, context=context, yes=yes)
    raise K8svizError(say("lab.unknown-source", name=source))


class Lab:
    """One lab, step by step.

    `source` says where: "recorded" (the default, also from the environment variable K8SVIZ_SOURCE) plays what a
    real cluster did; "live" runs the commands on the cluster of `context` (or K8SVIZ_CONTEXT), which must be named;
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
        self._runner = _runner(self._spec, source or os.environ.get("K8SVIZ_SOURCE") or "recorded", context, yes)
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

    @property
    def state(self) -> Snapshot:
        """The cluster now."""
        return self.history.at(self.now)

    # -- looking -----------------------------------------------------------------------------------

    def draw(self, story: str, what: What = None, **options: Any) -> Picture:
        """A story as it is now: all of it, or around one object ("pod/fortune"). See `k8sviz.draw`."""
        return show.draw(story, self, what, **options)

    def why(self, what: str | Ref) -> Because:
        """Why an object ("pvc/demo-pvc") is in its state now, or why a step (its id) was refused."""
        return show.why(what, self)

    def troubles(self) -> Troubles:
        """What fails and what waits now, each cause once. See `k8sviz.troubles`."""
        return show.troubles(self)

    def play(self, story: str, what: What = None, **options: Any) -> Player:
        """The whole lab as a film of one story. See `k8sviz.play`."""
        return show.play(story, self, what, **options)

    def lives(self, **options: Any) -> Chart:
        """The lives of the lab's objects on a time axis. See `k8sviz.lives`."""
        return show.lives(self, **options)

    def inspect(self, pod: str | Ref, container: str | None = None, **options: Any) -> Inspector:
        """What a Pod's containers have got by now. See `k8sviz.inspect`."""
        return show.inspect(pod, self, container, **options)

    def can(self, verb: str, resource: str, account: str = "default") -> Told:
        """Whether a ServiceAccount may do this now, and the rule that decides. See `k8sviz.can`."""
        return show.can(verb, resource, self, account)

    def users(self, what: str) -> Told:
        """Who uses a ConfigMap or Secret, or one key of it, now. See `k8sviz.users`."""
        return show.users(what, self)

    def updates(self, pod: str | Ref, container: str | None = None, **options: Any) -> Chart:
        """When what a Pod was given changed, and when it arrived. See `k8sviz.updates`."""
        return show.updates(pod, self, container, **options)

    def silence(self, node: str | None = None) -> Chart | Told:
        """The story of a node that fell silent in this lab, or a note that none did (a live cluster's may not).

        See `k8sviz.show.silence`.
        """
        from k8sviz.views.terminal import Told

        try:
            return show.silence(self, node)
        except K8svizError as error:
            return Told(error)

    def chart(self, what: What = None, **options: Any) -> Chart:
        """A rollout's Pods over time against their bounds. See `k8sviz.chart`."""
        return show.chart(self, what, **options)

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
