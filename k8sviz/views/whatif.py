"""What-if labs: change the settings of a rollout or a StatefulSet, and see what Kubernetes would do.

The picture comes from a prediction that follows the controllers' own rules, drawn by the same chart and player as a
recording; beside it stands the recorded run that is nearest. Where no kernel runs, the picture of the settings that
were last chosen stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, cached_property
from html import escape
from typing import Any, Final

import ipywidgets as widgets

from k8sviz.diagrams.stories.rollout import rollout_story
from k8sviz.diagrams.stories.stateful import stateful_story
from k8sviz.diagrams.timelines.rollouts import RolloutSeries, by_revision, rollout_series
from k8sviz.errors import K8svizError
from k8sviz.history import History
from k8sviz.predict.rollout import rollout_prediction_text
from k8sviz.predict.statefulset import stateful_prediction_text
from k8sviz.render.charts import Chart
from k8sviz.render.charts.rollout import rollout_chart, rollouts_chart
from k8sviz.sources.labs import lab_names, load_lab
from k8sviz.sources.recording import read
from k8sviz.views.player import Player
from k8sviz.views.settings import (
    Near,
    RolloutSettings,
    StatefulSettings,
    nearest_rollout,
    nearest_stateful_lab,
    rollout_runs,
)
from k8sviz.words import say

__all__ = ["RolloutWhatIf", "StatefulWhatIf", "rollout_whatif", "stateful_whatif"]

_LABEL: Final = {"description_width": "130px"}
_BEGUN: Final = 0.6  # seconds: the StatefulSet is there, and its first Pod
_WIDE: Final = "310px"


def rollout_whatif(**settings: Any) -> RolloutWhatIf:
    """A rollout to play with: `rollout_whatif(replicas=10, max_surge="30%")`.

    Takes the fields of `RolloutSettings`. Raises K8svizError for a setting that does not exist.
    """
    return RolloutWhatIf(_settings(RolloutSettings, settings))


def stateful_whatif(**settings: Any) -> StatefulWhatIf:
    """A StatefulSet to play with: `stateful_whatif(replicas=4, failing=2)`.

    Takes the fields of `StatefulSettings`. Raises K8svizError for a setting that does not exist.
    """
    return StatefulWhatIf(_settings(StatefulSettings, settings))


def _settings(kind: Any, given: dict[str, Any]) -> Any:
    try:
        return kind(**given)
    except TypeError:
        known = ", ".join(kind.__dataclass_fields__)
        raise K8svizError(f"a setting that does not exist; known: {known}") from None


@cache
def _recorded(name: str) -> History:
    return read(load_lab(name).recording)


@cache
def _runs() -> tuple[Near, ...]:
    """The recorded rollouts of the course, read once."""
    return tuple(rollout_runs(_recorded(name) for name in lab_names() if name.startswith("ch09-")))


class _WhatIf(widgets.VBox):  # type: ignore[misc]
    """Controls on the left, what they come to on the right, below that chart, player and recording."""

    heading = ""

    def __init__(self, settings: Any, controls: Sequence[Any]) -> None:
        self.settings = settings
        self.words = ""
        self.alt = self.heading
        self._svg = ""
        self._player: Player | None = None
        self._said = widgets.HTML(layout=widgets.Layout(flex="1 1 300px"))
        self._picture, self._more = _Shown(), _Shown()
        self._tabs = widgets.Tab()
        for control in controls:
            control.observe(lambda _: self._moved(), names="value")
        left = widgets.VBox(list(controls), layout=widgets.Layout(min_width="360px"))
        top = widgets.HBox([left, self._said], layout=widgets.Layout(flex_flow="row wrap"))
        heading = widgets.HTML(f"<h4>{escape(self.heading)}</h4>")
        self.show()
        super().__init__([heading, top, self._picture, self._tabs])

    def chosen(self) -> Any:
        """The settings that the controls stand for."""
        raise NotImplementedError

    def show(self) -> None:
        """Predict, and draw everything anew."""
        raise NotImplementedError

    def _moved(self) -> None:
        settings = self.chosen()
        if settings != self.settings:
            self.settings = settings
            self.show()

    def _say(self, lines: Sequence[str]) -> None:
        self._said.value = "".join(f"<p style='margin:.2em 1em'>{escape(line)}</p>" for line in lines)

    def _put(self, beside: Chart, player: Player, title: str, more: Chart) -> None:
        """Show a chart, and below it two pages: the player, and one more picture under its title."""
        self._svg = beside.svg()
        self._picture.show(beside)
        self._more.show(more)
        pages = [(say("whatif.control.player"), player), (title, self._more)]
        old, self._player = self._player, player
        self._tabs.children = [page for _, page in pages]
        self._tabs.titles = [name for name, _ in pages]
        self.alt = beside.alt
        if old is not None:
            old.close()

    @property
    def player(self) -> Player | None:
        """The film of the prediction that is shown."""
        return self._player

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.settings}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and for places without a kernel the chart of the present settings, and its words."""
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        shown = {"image/svg+xml": self._svg, "text/plain": self.words}
        return {**data, **shown}, {**metadata, "image/svg+xml": {"alt": self.alt}}


class _Shown(widgets.HTML):  # type: ignore[misc]
    """A chart in the page itself, in the page's own colours."""

    def show(self, chart: Chart) -> None:
        """Show this one."""
        self.value = chart.svg(theme="auto")


def _slider(value: float, low: float, high: float, code: str, step: float = 1) -> Any:
    kind = widgets.IntSlider if isinstance(value, int) and isinstance(step, int) else widgets.FloatSlider
    return kind(
        value=value,
        min=low,
        max=high,
        step=step,
        description=say(f"whatif.control.{code}"),
        continuous_update=False,
        style=_LABEL,
        layout=widgets.Layout(width=_WIDE),
    )


def _check(value: bool, code: str) -> Any:
    return widgets.Checkbox(value=value, description=say(f"whatif.control.{code}"), indent=False)


class _Amount(widgets.HBox):  # type: ignore[misc]
    """A number of Pods or a percentage."""

    def __init__(self, value: int | str, code: str, changed: Callable[[], None]) -> None:
        percent = isinstance(value, str)
        number = int(str(value).rstrip("%"))
        self.slider = _slider(number, 0, 100 if percent else 20, code)
        units = [(say("whatif.control.pods"), False), (say("whatif.control.percent"), True)]
        self.unit = widgets.ToggleButtons(options=units, value=percent, style={"button_width": "56px"})
        self.unit.observe(self._rescale, names="value")
        for part in (self.slider, self.unit):
            part.observe(lambda _: changed(), names="value")
        super().__init__([self.slider, self.unit])

    def _rescale(self, change: Any) -> None:
        self.slider.max = 100 if change["new"] else 20

    @property
    def amount(self) -> int | str:
        return f"{self.slider.value}%" if self.unit.value else int(self.slider.value)


class RolloutWhatIf(_WhatIf):
    """A rollout under settings that a learner may change."""

    heading = say("whatif.rollout.title")

    def __init__(self, settings: RolloutSettings | None = None) -> None:
        s = settings or RolloutSettings()
        self.replicas = _slider(s.replicas, 0, 40, "replicas")
        self.surge = _Amount(s.max_surge, "surge", lambda: self._moved())
        self.unavailable = _Amount(s.max_unavailable, "unavailable", lambda: self._moved())
        self.ready = _slider(float(s.ready_after), 0.2, 20.0, "ready", 0.2)
        self.min_ready = _slider(s.min_ready, 0, 20, "min-ready")
        self.stop = _slider(float(s.stop_after), 0.0, 30.0, "stop", 0.5)
        self.bad = _check(s.bad, "bad")
        self.recreate = _check(s.recreate, "recreate")
        super().__init__(
            s,
            [
                self.replicas,
                self.surge,
                self.unavailable,
                self.ready,
                self.min_ready,
                self.stop,
                self.bad,
                self.recreate,
            ],
        )

    def chosen(self) -> RolloutSettings:
        """The settings that the controls stand for."""
        return RolloutSettings(
            replicas=self.replicas.value,
            max_surge=self.surge.amount,
            max_unavailable=self.unavailable.amount,
            ready_after=self.ready.value,
            min_ready=self.min_ready.value,
            stop_after=self.stop.value,
            bad=self.bad.value,
            recreate=self.recreate.value,
        )

    def show(self) -> None:
        """Predict this rollout, and draw it beside the recorded one that is nearest."""
        lines = self.settings.lines()
        if self.settings.refused:
            self._say(lines)
            return
        prediction = self.settings.predict()
        series = rollout_series(prediction.history, prediction.ref)
        part = replace(by_revision(series)[-1], title=say("whatif.predicted", settings=series.revisions[-1].settings))
        near = self.nearest
        parts: list[RolloutSeries] = [part, *([near.series] if near is not None else [])]
        beside = rollouts_chart(parts)
        self.words = "\n".join([*lines, rollout_prediction_text(prediction), str(beside)])
        self._say([*lines, *rollout_prediction_text(prediction).splitlines()[1:2], *str(beside).splitlines()[1:2]])
        player = Player(
            prediction.history, rollout_story(prediction.history), title=part.title, start=prediction.begins
        )
        self._put(beside, player, say("whatif.control.chart"), rollout_chart(series))

    @property
    def nearest(self) -> Near | None:
        """The recorded rollout that is nearest to the present settings."""
        return nearest_rollout(self.settings, _runs())


class StatefulWhatIf(_WhatIf):
    """A StatefulSet under settings that a learner may change."""

    heading = say("whatif.stateful.title")

    def __init__(self, settings: StatefulSettings | None = None) -> None:
        s = settings or StatefulSettings()
        self.replicas = _slider(s.replicas, 0, 12, "replicas")
        self.scale = _slider(s.scale_to, 0, 12, "scale")
        self.parallel = _check(s.parallel, "parallel")
        self.update = _check(s.update, "update")
        self.partition = _slider(s.partition, 0, 12, "partition")
        self.fails = _check(s.failing is not None, "fails")
        self.failing = _slider(s.failing or 0, 0, 11, "failing")
        self.drop = _check(s.drop_claims, "drop")
        self.ready = _slider(float(s.ready_after), 0.2, 10.0, "ready", 0.2)
        self.stop = _slider(float(s.stop_after), 0.0, 10.0, "stop", 0.5)
        super().__init__(
            s,
            [
                self.replicas,
                self.scale,
                self.parallel,
                self.update,
                self.partition,
                self.fails,
                self.failing,
                self.drop,
                self.ready,
                self.stop,
            ],
        )

    def chosen(self) -> StatefulSettings:
        """The settings that the controls stand for."""
        return StatefulSettings(
            replicas=self.replicas.value,
            scale_to=self.scale.value,
            parallel=self.parallel.value,
            update=self.update.value,
            partition=self.partition.value,
            failing=self.failing.value if self.fails.value else None,
            drop_claims=self.drop.value,
            ready_after=self.ready.value,
            stop_after=self.stop.value,
        )

    def show(self) -> None:
        """Predict this StatefulSet's life, and draw it; the recorded lab that shows it has a tab of its own."""
        prediction = self.settings.predict()
        lines = self.settings.lines()
        told = stateful_prediction_text(prediction)
        series = rollout_series(prediction.history, prediction.ref)
        chart = rollout_chart(replace(series, title=self.heading))
        self.words = "\n".join([*lines, told])
        self._say([*lines, *told.splitlines()])
        player = Player(prediction.history, stateful_story(prediction.history), title=self.heading, start=_BEGUN)
        self._put(chart, player, say("whatif.stateful.beside", lab=self.nearest), self._recorded)

    @property
    def nearest(self) -> str:
        """The lab whose recording shows what the present settings are about."""
        return nearest_stateful_lab(self.settings)

    @cached_property
    def _charts(self) -> dict[str, Chart]:
        return {}

    @property
    def _recorded(self) -> Chart:
        name = self.nearest
        if name not in self._charts:
            self._charts[name] = rollout_chart(rollout_series(_recorded(name)))
        return self._charts[name]
