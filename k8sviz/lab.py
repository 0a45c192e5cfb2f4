"""What a notebook calls: a lab's steps one after the other, and the pictures, films and reasons that go with them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, overload

from k8sviz.diagrams import STORIES
from k8sviz.diagrams import story as story_named
from k8sviz.errors import K8svizError, nearest
from k8sviz.history import History, Result, Snapshot, Step
from k8sviz.kinds import Ref, parse_ref
from k8sviz.render.measure import printable
from k8sviz.words import say

if TYPE_CHECKING:
    from k8sviz.render.charts import Chart
    from k8sviz.render.picture import Picture
    from k8sviz.sources.follow import Follower
    from k8sviz.sources.labs import LabSpec, StepSpec
    from k8sviz.views.explanation import Because, Troubles
    from k8sviz.views.follow import Follow
    from k8sviz.views.inspector import Inspector
    from k8sviz.views.player import Player
    from k8sviz.views.quiz import Quiz
    from k8sviz.views.terminal import Session, Terminal, Told
    from k8sviz.views.whatif import RolloutWhatIf, StatefulWhatIf

__all__ = [
    "Lab",
    "Source",
    "beside",
    "can",
    "chart",
    "default_story",
    "draw",
    "film_page",
    "follow",
    "follower",
    "inspect",
    "live_source",
    "lives",
    "open_source",
    "play",
    "quiz",
    "rollout_bounds",
    "silence",
    "updates",
    "users",
    "what_if",
    "why",
]

What: TypeAlias = "str | Ref | None"


class Runner(Protocol):
    """Where a lab's steps happen: in a recording, or on a cluster."""

    @property
    def history(self) -> History:
        """All that happened, and in a recording also what is still to come."""

    def run(self, step: StepSpec) -> Result:
        """Let the step happen, and say how its command ended."""

    def now(self) -> float:
        """The moment, in seconds of the History, that the lab has come to."""

    def notes(self, step_id: str) -> Sequence[str]:
        """What a person should know about how a step went."""

    def cleanup(self) -> list[str]:
        """Remove what the lab has made. Returns what went."""


class Recorded:
    """Runs nothing: moves a recording's clock to when the step's consequences were in."""

    def __init__(self, spec: LabSpec) -> None:
        from k8sviz.sources.recording import read

        self.history = read(spec.recording)
        first = self.history.steps[0].t if self.history.steps else 0.0
        self._now = max(0.0, first - 0.001)

    def run(self, step: StepSpec) -> Result:
        """The recorded result of the step."""
        recorded = self.history.step(step.id)
        self._now = max(self._now, self.history.settled(step.id))
        return recorded.result or Result(recorded.t, 0)

    def now(self) -> float:
        """The clock."""
        return self._now

    def notes(self, step_id: str) -> Sequence[str]:  # noqa: ARG002 - as every runner
        """None: a recorded step went as it went."""
        return ()

    def cleanup(self) -> list[str]:
        """Nothing was made."""
        return []


def _runner(spec: LabSpec, source: str, context: str | None, yes: bool) -> Runner:
    if source == "recorded":
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
        return draw(story, self, what, **options)

    def why(self, what: str | Ref) -> Because:
        """Why an object ("pvc/demo-pvc") is in its state now, or why a step (its id) was refused."""
        return why(what, self)

    def troubles(self) -> Troubles:
        """What fails and what waits now, each cause once. See `k8sviz.troubles`."""
        return troubles(self)

    def play(self, story: str, what: What = None, **options: Any) -> Player:
        """The whole lab as a film of one story. See `k8sviz.play`."""
        return play(story, self, what, **options)

    def lives(self, **options: Any) -> Chart:
        """The lives of the lab's objects on a time axis. See `k8sviz.lives`."""
        return lives(self, **options)

    def inspect(self, pod: str | Ref, container: str | None = None, **options: Any) -> Inspector:
        """What a Pod's containers have got by now. See `k8sviz.inspect`."""
        return inspect(pod, self, container, **options)

    def can(self, verb: str, resource: str, account: str = "default") -> Told:
        """Whether a ServiceAccount may do this now, and the rule that decides. See `k8sviz.can`."""
        return can(verb, resource, self, account)

    def users(self, what: str) -> Told:
        """Who uses a ConfigMap or Secret, or one key of it, now. See `k8sviz.users`."""
        return users(what, self)

    def updates(self, pod: str | Ref, container: str | None = None, **options: Any) -> Chart:
        """When what a Pod was given changed, and when it arrived. See `k8sviz.updates`."""
        return updates(pod, self, container, **options)

    def silence(self, node: str | None = None) -> Chart | Told:
        """The story of a node that fell silent in this lab, or a note that none did (a live cluster's may not).

        See `k8sviz.lab.silence`.
        """
        from k8sviz.views.terminal import Told

        try:
            return silence(self, node)
        except K8svizError as error:
            return Told(error)

    def chart(self, what: What = None, **options: Any) -> Chart:
        """A rollout's Pods over time against their bounds. See `k8sviz.chart`."""
        return chart(self, what, **options)

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


Source: TypeAlias = "Lab | History | Snapshot | str | os.PathLike[str] | Sequence[str | os.PathLike[str]]"


def open_source(source: Source) -> History | Snapshot:
    """What a person means by a source: a lab's name, a recording (.jsonl), manifests (files or folders), or "live":
    what the cluster of the kubeconfig's context (or K8SVIZ_CONTEXT) holds now, in the context's namespace.

    Raises K8svizError when it is none of these.
    """
    if isinstance(source, History | Snapshot):
        return source
    if isinstance(source, Lab):
        return source.history
    if isinstance(source, str | os.PathLike):
        return _open_one(source)
    from k8sviz.sources import manifests

    return manifests.read(list(source))


def _open_one(source: str | os.PathLike[str]) -> History:
    from k8sviz.sources import manifests, recording
    from k8sviz.sources.labs import example, example_names, lab_names, load_lab

    path = Path(source)
    if str(source) == "live":
        return live_source()
    if str(source) in lab_names():
        return recording.read(load_lab(str(source)).recording)
    if path.suffix == ".jsonl":
        return recording.read(path)
    if path.exists() or str(source) == "-":
        return manifests.read([source])
    if str(source) in example_names():
        return manifests.read([example(str(source))])
    known = (*lab_names(), *example_names())
    raise K8svizError(f"{source} is no lab, recording or manifest; {nearest(str(source), known)}")


def live_source(namespace: str | None = None, context: str | None = None) -> History:
    """What a cluster holds now, in one namespace (None: the context's own) and cluster-wide. Only reads.

    Raises K8svizError, one line that says what to do.
    """
    from k8sviz.sources.follow import listing
    from k8sviz.sources.live import connect, require_namespace

    cluster = connect(context or os.environ.get("K8SVIZ_CONTEXT") or None)
    try:
        found = listing(cluster, namespace or cluster.namespace, title=cluster.context)
        if not any(ref.namespace for ref in found.refs()):  # even an empty namespace has its own ConfigMap and account
            require_namespace(cluster, namespace or cluster.namespace)
        return found
    finally:
        cluster.close()


def follower(namespace: str | None = None, context: str | None = None, *, keep: float = 60.0) -> Follower:
    """Follows a namespace of a cluster (None: the context's own) until it is closed; `keep` seconds stay in memory.

    Raises K8svizError, one line that says what to do.
    """
    from k8sviz.sources.follow import Follower
    from k8sviz.sources.live import connect

    cluster = connect(context or os.environ.get("K8SVIZ_CONTEXT") or None)
    return Follower(cluster, namespace or cluster.namespace, keep=keep, title=cluster.context).start()


def follow(
    story: str,
    what: What = None,
    *,
    namespace: str | None = None,
    context: str | None = None,
    theme: str = "light",
    **options: Any,
) -> Follow:
    """A story of a live cluster as a widget that is drawn anew whenever the cluster changes; it only reads.

    Give `namespace` and `context`, or take the kubeconfig's own. `close` ends it. Raises K8svizError.
    """
    from k8sviz.views.follow import Follow

    story_named(story)
    following = follower(namespace, context)
    return Follow(following, lambda history: told(story, history, what, **options), theme=theme)


def _moment(source: Source, at: str | float | None) -> Snapshot:
    opened = open_source(source)
    if isinstance(opened, Snapshot):
        return opened
    if at is None and isinstance(source, Lab):
        return source.state
    return opened.at(opened.time(at))


def _whole(source: Source) -> History:
    opened = open_source(source)
    if isinstance(opened, Snapshot):
        return History.of(opened.objects(), opened.about)
    return opened


def _ref(what: What, history: History | Snapshot) -> Ref | None:
    return parse_ref(what, history.about.namespace) if isinstance(what, str) else what


def draw(
    story: str,
    source: Source,
    what: What = None,
    *,
    at: str | float | None = None,
    theme: str = "light",
    **options: Any,
) -> Picture:
    """One story as a picture.

    `source` is a lab or its name, a recording, manifests, a History or a Snapshot; `what` is KIND/NAME, to draw only
    what hangs together with it; `at` is a step's id (its settled state) or seconds; other options go to the story.
    Raises K8svizError for an unknown story, source, object or time.

    >>> print(draw("storage", "ch06-binding-choice", "pvc/wrong-mode", at="list-all").diagram.title)
    Which volume may pvc/wrong-mode have?
    """
    from k8sviz.render.picture import Picture

    snapshot = _moment(source, at)
    tell = story_named(story, snapshot.history)
    return Picture(tell(snapshot, _ref(what, snapshot), **options), theme=theme)


def why(what: str | Ref, source: Source, *, at: str | float | None = None) -> Because:
    """Why an object (KIND/NAME) is in its state, or why a step (its id) was refused.

    Raises K8svizError for an unknown object, step, source or time.
    """
    from k8sviz.views.explanation import Because
    from k8sviz.why import why as explain

    history = _whole(source)
    t = _now(source, at, history)
    if isinstance(source, Snapshot) and at is None:
        t = source.t
    subject: Ref | Step | str = what
    if isinstance(what, str):
        found = _ref(what, history) if "/" in what else history.step(what)
        subject = found if found is not None else what
    return Because(explain(history, t, subject))


def troubles(source: Source, *, at: str | float | None = None, namespace: str | None = None) -> Troubles:
    """What fails and what waits (errors first), each cause once with all that share it.

    Raises K8svizError for an unknown source, step or time.
    """
    from k8sviz.views.explanation import Troubles
    from k8sviz.why import troubles as find

    history = _whole(source)
    snapshot = history.at(_now(source, at, history))
    return Troubles(find(snapshot, namespace=namespace), snapshot.notes)


def play(
    story: str,
    source: Source,
    what: What = None,
    *,
    start: str | float = 0.0,
    telling: str | float | None = None,
    **options: Any,
) -> Player:
    """A story over a whole History as a player, which needs no kernel once it is shown.

    `start` is where the player begins, `telling` the frame for places that run no scripts: a step's id or seconds.
    Other options go to the story (`token=False`).
    """
    from k8sviz.views.player import Player

    history = _whole(source)
    tell = told(story, history, what, **options)
    return Player(history, tell, title=history.about.title, start=start, telling=telling)


def told(story: str, history: History, what: What = None, **options: Any) -> Callable[[Snapshot], Any]:
    """A story with its options filled in, as a player wants it; an object in focus may come and go."""
    tell = story_named(story, history)
    ref = _ref(what, history)
    if ref is None:
        return partial(tell, **options)
    from k8sviz.diagrams.model import Diagram

    def about(snapshot: Snapshot) -> Diagram:
        if snapshot.find(ref) is None:
            return Diagram(story, str(ref))
        return tell(snapshot, ref, **options)

    return about


def default_story(history: History) -> str:
    """The story that a History is most about, by the kinds of object that it holds."""
    kinds = {ref.kind for ref in history.refs()}
    for kind, name in (
        ("StatefulSet", "stateful"),
        ("Deployment", "rollout"),
        ("ReplicationController", "rollout"),
        ("PersistentVolumeClaim", "storage"),
        ("PersistentVolume", "storage"),
    ):
        if kind in kinds and name in STORIES:
            return name
    return "storage"


def film_page(
    source: Source, story: str | None = None, what: What = None, *, start: str | float | None = None, **options: Any
) -> str:
    """A story over a whole History as one HTML page that loads nothing from a network."""
    from k8sviz.views import page
    from k8sviz.views.frames import film

    history = _whole(source)
    title = history.about.title or history.about.name
    made = film(history, told(story or default_story(history), history, what, **options))
    return page.film_page(made, title=title, start=start or 0.0)


def lives(source: Source, **options: Any) -> Chart:
    """The lives of objects on a time axis: phases of volumes, claims, Pods and containers, with the steps as ticks."""
    from k8sviz.diagrams.lives import lives as told_lives
    from k8sviz.render.charts import lives_chart

    return lives_chart(told_lives(_whole(source), **options))


def silence(source: Source, node: str | None = None) -> Chart:
    """The story of a node that fell silent, on one time axis; `node` where several did.

    Raises K8svizError when every node stayed Ready, or there is no such node.
    """
    from k8sviz.diagrams.node import silence as find
    from k8sviz.render.node_chart import silence_chart

    return silence_chart(find(_whole(source), node))


def rollout_bounds(source: Source, what: What = None) -> list[dict[str, int | None]]:
    """What a rollout promised and what it reached, one record a revision: maxTotal, totalBound and so on.

    Raises K8svizError when there is no such rollout.
    """
    from k8sviz.diagrams.rollouts import rollout_records

    history = _whole(source)
    return rollout_records(history, _ref(what, history))


def _now(source: Source, at: str | float | None, history: History) -> float:
    return source.now if at is None and isinstance(source, Lab) else history.time(at)


def _known(what: str | Ref, history: History) -> Ref:
    ref = _ref(what, history)
    assert ref is not None  # noqa: S101 - None goes in only where None was given
    return ref


def inspect(
    pod: str | Ref,
    source: Source,
    container: str | None = None,
    *,
    at: str | float | None = None,
    show_secrets: bool = False,
) -> Inspector:
    """The final environment, files, command and arguments of a Pod's containers, each with its origin.

    Computed from the History, told apart from what recorded outputs showed. Values of Secrets stay hidden unless
    `show_secrets`. Raises K8svizError for an unknown Pod, container, source or time.
    """
    from k8sviz.views.inspector import inspector

    history = _whole(source)
    moment = _now(source, at, history)
    return inspector(history, _known(pod, history), moment, container, show_secrets=show_secrets)


def can(
    verb: str,
    resource: str,
    source: Source,
    account: str = "default",
    *,
    at: str | float | None = None,
    group: str = "",
) -> Told:
    """Whether an account may do `verb` to `resource` in the source's namespace, and by which rule.

    `account` is a ServiceAccount's name, or a user as `kubectl auth can-i --as` takes it.

    >>> print(can("list", "secrets", "ch08-api-from-pod").told.code)
    no-rule
    """
    from k8sviz.rules.access import account as service_account
    from k8sviz.rules.access import can as decide
    from k8sviz.views.terminal import Told

    snapshot = _moment(source, at)
    namespace = snapshot.about.namespace
    subject = account if ":" in account else service_account(account, namespace)
    verdict = decide(snapshot.objects(), subject, verb, resource, group=group, namespace=namespace)
    return Told(verdict.reason, say(f"access.reason.{verdict.reason.code}", **verdict.reason.facts))


def users(what: str, source: Source, *, at: str | float | None = None) -> Told:
    """Who uses `configmap/NAME`, `secret/NAME`, or one key: `configmap/NAME/KEY`.

    Raises K8svizError when `what` is none of these.
    """
    from k8sviz.predict.container import users as find
    from k8sviz.views.terminal import Told

    snapshot = _moment(source, at)
    kind, _, rest = what.partition("/")
    name, _, key = rest.partition("/")
    ref = parse_ref(f"{kind}/{name}", snapshot.about.namespace)
    if ref.kind not in ("ConfigMap", "Secret"):
        raise K8svizError(say("lab.not-config", what=what))
    return Told(find(snapshot, ref, key))


def updates(pod: str | Ref, source: Source, container: str | None = None, *, show_secrets: bool = False) -> Chart:
    """What a Pod's container was given, over time: when each source changed, when it arrived, and what stayed.

    Raises K8svizError for an unknown Pod, container or source.
    """
    from k8sviz.diagrams.updates import updates as find
    from k8sviz.render.update_chart import update_chart

    history = _whole(source)
    return update_chart(find(history, _known(pod, history), container, show_secrets=show_secrets))


def chart(source: Source, what: What = None, *, apart: bool = False) -> Chart:
    """A rollout over time: its Pods by revision and state against the bounds, and a bar for each Pod.

    `what` is KIND/NAME where a source has several; `apart` draws each revision by itself, side by side. Raises
    K8svizError when there is no such rollout.
    """
    from k8sviz.diagrams.rollouts import by_revision, rollout_series
    from k8sviz.render.rollout_chart import rollout_chart, rollouts_chart

    history = _whole(source)
    series = rollout_series(history, _ref(what, history))
    return rollouts_chart(by_revision(series)) if apart else rollout_chart(series)


def beside(*pictures: Picture, title: str = "", titles: Sequence[str] = ()) -> Picture:
    """Several pictures as one, each in a frame of its own with its title, or the one that `titles` has for it."""
    from k8sviz.diagrams.model import side_by_side
    from k8sviz.render.picture import Picture

    diagrams = [picture.diagram for picture in pictures]
    for i, name in enumerate(titles[: len(diagrams)]):
        diagrams[i] = diagrams[i]._replace(title=name)
    return Picture(side_by_side(diagrams, title))


def what_if(story: str, **settings: Any) -> RolloutWhatIf | StatefulWhatIf:
    """Sliders for a "rollout" or a "stateful" set, and what Kubernetes would do: predicted, beside what was recorded.

    `settings` are where the sliders begin (`replicas=10, max_surge="30%"`). Raises K8svizError for another story, or a
    setting that does not exist.
    """
    from k8sviz.views import whatif

    kinds = {"rollout": whatif.rollout_whatif, "stateful": whatif.stateful_whatif}
    if story not in kinds:
        raise K8svizError(say("lab.no-what-if", name=story, known=nearest(story, kinds)))
    return kinds[story](**settings)


def quiz(question: str) -> Quiz:
    """A question to think about before a cell runs; it answers without a kernel."""
    from k8sviz.views.quiz import quiz as ask

    return ask(question)
