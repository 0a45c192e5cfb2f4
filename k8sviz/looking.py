"""Looking at something under way, a lab or a fork: pictures, films, charts and reasons, as methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from k8sviz import show
from k8sviz.errors import K8svizError
from k8sviz.history import History, Snapshot
from k8sviz.kinds import Ref

if TYPE_CHECKING:
    from k8sviz.render.charts import Chart
    from k8sviz.render.picture import Picture
    from k8sviz.show import What
    from k8sviz.views.explanation import Because, Troubles
    from k8sviz.views.inspector import Inspector
    from k8sviz.views.player import Player
    from k8sviz.views.terminal import Told

__all__ = ["Looking"]


class Looking(ABC):
    """What has a `history` and has come to a moment, `now`."""

    @property
    @abstractmethod
    def history(self) -> History:
        """Everything that happened."""

    @property
    @abstractmethod
    def now(self) -> float:
        """Seconds since it began."""

    @property
    def state(self) -> Snapshot:
        """The cluster now."""
        return self.history.at(self.now)

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
