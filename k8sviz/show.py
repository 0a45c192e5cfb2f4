"""What a person asks of any source: a picture, a film, a chart, a reason, what a container has got.

Each function takes a source (a lab or its name, a recording, manifests, a History or a Snapshot), finds the moment that
is meant, asks the room that knows, and returns what shows itself in a notebook.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from k8sviz.diagrams import story as story_named
from k8sviz.errors import K8svizError, nearest
from k8sviz.history import History, Snapshot, Step
from k8sviz.kinds import Ref, parse_ref
from k8sviz.sources.opening import follower, open_history
from k8sviz.stories import STORIES
from k8sviz.words import say

if TYPE_CHECKING:
    from k8sviz.diagrams.kit.model import Diagram
    from k8sviz.render.charts import Chart
    from k8sviz.render.picture import Picture
    from k8sviz.views.explanation import Because, Troubles
    from k8sviz.views.follow import Follow
    from k8sviz.views.inspector import Inspector
    from k8sviz.views.player import Player
    from k8sviz.views.quiz import Quiz
    from k8sviz.views.terminal import Told
    from k8sviz.views.whatif import RolloutWhatIf, StatefulWhatIf

__all__ = [
    "Source",
    "Underway",
    "What",
    "beside",
    "can",
    "chart",
    "default_story",
    "draw",
    "film_page",
    "follow",
    "inspect",
    "lives",
    "open_source",
    "play",
    "quiz",
    "rollout_bounds",
    "silence",
    "told",
    "troubles",
    "updates",
    "users",
    "what_if",
    "why",
]


@runtime_checkable
class Underway(Protocol):
    """A lab: a History, and the moment that it has come to."""

    @property
    def history(self) -> History:
        """All that happened."""

    @property
    def now(self) -> float:
        """Seconds since it began."""


What: TypeAlias = "str | Ref | None"
Source: TypeAlias = "Underway | History | Snapshot | str | os.PathLike[str] | Sequence[str | os.PathLike[str]]"


def open_source(source: Source) -> History | Snapshot:
    """What a person means by a source: a lab's name, a recording (.jsonl), manifests (files or folders), or "live":
    what the cluster of the kubeconfig's context (or K8SVIZ_CONTEXT) holds now, in the context's namespace.

    Raises K8svizError when it is none of these.
    """
    if isinstance(source, History | Snapshot):
        return source
    if isinstance(source, Underway):
        return source.history
    return open_history(source)


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
    if at is None and isinstance(source, Underway):
        return opened.at(source.now)
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
    return Picture(_marked(tell(snapshot, _ref(what, snapshot), **options), snapshot), theme=theme)


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
    if isinstance(what, str) and "/" not in what:
        subject = history.step(what)
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
    from k8sviz.diagrams.kit.model import Diagram

    def about(snapshot: Snapshot) -> Diagram:
        if ref is not None and snapshot.find(ref) is None:
            return Diagram(story, str(ref))
        return _marked(tell(snapshot, ref, **options), snapshot)

    return about


def _marked(diagram: Diagram, snapshot: Snapshot) -> Diagram:
    """A diagram whose title says so where a simulated cluster tells what would happen."""
    seam = snapshot.history.predicted_from
    if seam is None or snapshot.t <= seam or not diagram.title:
        return diagram
    return diagram._replace(title=say("lab.predicted", title=diagram.title))


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
    from k8sviz.diagrams.timelines.lives import lives as told_lives
    from k8sviz.render.charts.lives import lives_chart

    return lives_chart(told_lives(_whole(source), **options))


def silence(source: Source, node: str | None = None) -> Chart:
    """The story of a node that fell silent, on one time axis; `node` where several did.

    Raises K8svizError when every node stayed Ready, or there is no such node.
    """
    from k8sviz.diagrams.timelines.silence import silence as find
    from k8sviz.render.charts.silence import silence_chart

    return silence_chart(find(_whole(source), node))


def rollout_bounds(source: Source, what: What = None) -> list[dict[str, int | None]]:
    """What a rollout promised and what it reached, one record a revision: maxTotal, totalBound and so on.

    Raises K8svizError when there is no such rollout.
    """
    from k8sviz.diagrams.timelines.rollouts import rollout_records

    history = _whole(source)
    return rollout_records(history, _ref(what, history))


def _now(source: Source, at: str | float | None, history: History) -> float:
    return source.now if at is None and isinstance(source, Underway) else history.time(at)


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
    from k8sviz.diagrams.timelines.updates import updates as find
    from k8sviz.render.charts.updates import update_chart

    history = _whole(source)
    return update_chart(find(history, _known(pod, history), container, show_secrets=show_secrets))


def chart(source: Source, what: What = None, *, apart: bool = False) -> Chart:
    """A rollout over time: its Pods by revision and state against the bounds, and a bar for each Pod.

    `what` is KIND/NAME where a source has several; `apart` draws each revision by itself, side by side. Raises
    K8svizError when there is no such rollout.
    """
    from k8sviz.diagrams.timelines.rollouts import by_revision, rollout_series
    from k8sviz.render.charts.rollout import rollout_chart, rollouts_chart

    history = _whole(source)
    series = rollout_series(history, _ref(what, history))
    return rollouts_chart(by_revision(series)) if apart else rollout_chart(series)


def beside(*pictures: Picture, title: str = "", titles: Sequence[str] = ()) -> Picture:
    """Several pictures as one, each in a frame of its own with its title, or the one that `titles` has for it."""
    from k8sviz.diagrams.kit.model import side_by_side
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
