"""What a what-if lab asks: settings as plain data, what they come to in Pods, and the recorded run that is nearest.

Nothing here is a widget, so that a test, a command or a notebook cell can ask the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from k8sviz.diagrams.timelines.rollouts import RolloutSeries, by_revision, rollout_series, rollouts_of
from k8sviz.history import History
from k8sviz.predict.rollout import RolloutPrediction, predict_rollout
from k8sviz.predict.statefulset import Action, StatefulPrediction, predict_statefulset
from k8sviz.rules.rollout import resolve_fenceposts, rollout_bounds, scaled_value
from k8sviz.words import say

__all__ = ["Near", "RolloutSettings", "StatefulSettings", "nearest_rollout", "nearest_stateful_lab", "rollout_runs"]

_NAME: Final = "kubia"


@dataclass(frozen=True, slots=True)
class RolloutSettings:
    """The settings of a rollout; amounts are Pods or percentages, times are seconds. `bad`: never Ready."""

    replicas: int = 4
    max_surge: int | str = "25%"
    max_unavailable: int | str = "25%"
    ready_after: float = 2.0
    min_ready: int = 0
    stop_after: float = 1.0
    bad: bool = False
    recreate: bool = False

    def deployment(self, tag: str) -> dict[str, Any]:
        """The Deployment that these settings describe."""
        strategy: dict[str, Any] = {"type": "Recreate"}
        if not self.recreate:
            amounts = {"maxSurge": self.max_surge, "maxUnavailable": self.max_unavailable}
            strategy = {"type": "RollingUpdate", "rollingUpdate": amounts}
        labels = {"app": _NAME}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": _NAME, "namespace": "demo"},
            "spec": {
                "replicas": self.replicas,
                "minReadySeconds": self.min_ready,
                "strategy": strategy,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "app", "image": f"busybox:{tag}"}]},
                },
            },
        }

    def service(self) -> dict[str, Any]:
        """A Service before the Pods."""
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": _NAME},
            "spec": {"clusterIP": "10.96.0.10", "selector": {"app": _NAME}, "ports": ports},
        }

    @property
    def refused(self) -> bool:
        """Whether the API server takes no such Deployment: both amounts are written as zero."""
        return not self.recreate and all(value in (0, "0%") for value in (self.max_surge, self.max_unavailable))

    def predict(self) -> RolloutPrediction:
        """What would happen from version 1.36 to version 1.37."""
        waits = [self.ready_after, None if self.bad else self.ready_after]
        first = [self.deployment("1.36"), self.service()]
        return predict_rollout(first, self.deployment("1.37"), ready_after=waits, stop_after=self.stop_after)

    def lines(self) -> list[str]:
        """What the settings come to, with the rounding shown."""
        if self.refused:
            return [say("whatif.rollout.refused")]
        bounds = rollout_bounds(self.deployment("1.37"))
        if self.recreate:
            return [say("whatif.rollout.recreate", replicas=self.replicas)]
        lines = [
            self._rounded("surge", self.max_surge, up=True),
            self._rounded("unavailable", self.max_unavailable, up=False),
        ]
        surge = scaled_value(self.max_surge, self.replicas, round_up=True)
        unavailable = scaled_value(self.max_unavailable, self.replicas, round_up=False)
        if (surge, unavailable) != resolve_fenceposts(self.max_surge, self.max_unavailable, self.replicas):
            lines.append(say("whatif.rollout.both-zero"))
        facts = {"replicas": self.replicas, "surge": bounds.max_surge, "unavailable": bounds.max_unavailable}
        most, least = bounds.max_total, bounds.min_available
        return [*lines, say("whatif.rollout.bounds", **facts, most=most, least=least)]

    def _rounded(self, name: str, value: int | str, *, up: bool) -> str:
        if isinstance(value, int):
            return say(f"whatif.rollout.{name}", count=value)
        exact = int(value.rstrip("%")) * self.replicas / 100
        return say(
            f"whatif.rollout.{name}-percent",
            value=value,
            replicas=self.replicas,
            exact=f"{exact:g}",
            count=scaled_value(value, self.replicas, round_up=up),
        )


@dataclass(frozen=True, slots=True)
class StatefulSettings:
    """The settings of a StatefulSet's life: it starts, a Pod may fail, it may be updated, then it is scaled."""

    replicas: int = 3
    scale_to: int = 1
    parallel: bool = False
    update: bool = False
    partition: int = 0
    failing: int | None = None
    drop_claims: bool = False
    ready_after: float = 1.0
    stop_after: float = 1.0

    def statefulset(self, tag: str) -> dict[str, Any]:
        """The StatefulSet that these settings describe."""
        labels = {"app": _NAME}
        claim = {
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
        }
        return {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": _NAME, "namespace": "demo"},
            "spec": {
                "serviceName": _NAME,
                "replicas": self.replicas,
                "selector": {"matchLabels": labels},
                "podManagementPolicy": "Parallel" if self.parallel else "OrderedReady",
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": self.partition}},
                "persistentVolumeClaimRetentionPolicy": {
                    "whenScaled": "Delete" if self.drop_claims else "Retain",
                    "whenDeleted": "Retain",
                },
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "app", "image": f"busybox:{tag}"}]},
                },
                "volumeClaimTemplates": [claim],
            },
        }

    def service(self) -> dict[str, Any]:
        """The headless Service that gives the Pods their names."""
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": _NAME},
            "spec": {"clusterIP": "None", "selector": {"app": _NAME}, "ports": ports},
        }

    def actions(self) -> list[Action]:
        """What is done to the set after it has started."""
        steps = []
        if self.failing is not None and self.failing < self.replicas:
            steps.append(Action("break", self.failing))
        if self.update:
            steps.append(Action("apply", self.statefulset("1.37")))
        if self.scale_to != self.replicas:
            steps.append(Action("scale", self.scale_to))
        return steps

    def predict(self) -> StatefulPrediction:
        """What would happen."""
        first = [self.statefulset("1.36"), self.service()]
        return predict_statefulset(first, self.actions(), ready_after=self.ready_after, stop_after=self.stop_after)

    def lines(self) -> list[str]:
        """What the settings mean, one sentence each."""
        words = "whatif.stateful."
        lines = [say(words + ("parallel" if self.parallel else "ordered"))]
        if self.update and self.partition:
            lines.append(say(words + "partition", ordinal=self.partition))
        elif self.update:
            lines.append(say(words + "update"))
        if self.failing is not None and self.failing < self.replicas:
            stays = self.failing < self.scale_to
            lines.append(say(words + ("failing-stays" if stays else "failing-goes"), pod=f"{_NAME}-{self.failing}"))
        lines.append(say(words + ("drop" if self.drop_claims else "keep")))
        return lines


# -- the recorded run beside it ----------------------------------------------------------------------


class Near(NamedTuple):
    """A recorded rollout: the lab it is from, and its numbers alone, from its change to its end."""

    lab: str
    series: RolloutSeries


def rollout_runs(histories: Iterable[History]) -> Iterator[Near]:
    """Every rollout in these Histories, each by itself."""
    for history in histories:
        for ref in rollouts_of(history):
            if ref.kind == "Deployment":
                for part in by_revision(rollout_series(history, ref)):
                    yield Near(history.about.name, part)


def nearest_rollout(settings: RolloutSettings, runs: Sequence[Near]) -> Near | None:
    """The recorded rollout whose bounds and end are most like those of the settings; None where there is none."""
    bounds = rollout_bounds(settings.deployment("1.37"))

    def distance(run: Near) -> float:
        revision, first = run.series.revisions[0], run.series.wishes[0]
        surge, unavailable = revision.total_bound - first.replicas, first.replicas - (revision.available_bound or 0)
        # shares of the replicas are compared, so that 10 Pods have a neighbour among 4
        apart = abs(bounds.max_surge / max(bounds.replicas, 1) - surge / max(first.replicas, 1))
        apart += abs(bounds.max_unavailable / max(bounds.replicas, 1) - unavailable / max(first.replicas, 1))
        apart += abs(bounds.replicas - first.replicas) / 20
        recreated = surge == 0 and unavailable == first.replicas
        paused = any(w.paused for w in run.series.wishes)
        differs = 3 * (settings.bad != _stuck(run)) + 2 * (settings.recreate != recreated) + 2 * paused
        return apart + differs + 0.6 * ((settings.min_ready > 0) != _waits(run))

    found = min(runs, key=distance, default=None)
    if found is None:
        return None
    title = say("whatif.recorded", lab=found.lab, settings=found.series.revisions[0].settings)
    return found._replace(series=replace(found.series, title=title))


def _stuck(run: Near) -> bool:
    """Whether no Pod of the new version was ever available."""
    version = run.series.revisions[0].version
    return not any(p.version == version and p.first("available") is not None for p in run.series.pods)


def _waits(run: Near) -> bool:
    """Whether Pods had to be Ready for a while before they counted."""
    return any(s.stage == "ready" and s.end - s.start > 0.5 for p in run.series.pods for s in p.spells)


def nearest_stateful_lab(settings: StatefulSettings) -> str:
    """The name of the lab whose recording shows what these settings are about."""
    if settings.failing is not None:
        return "ch10-unhealthy"
    if settings.parallel or settings.update or settings.drop_claims:
        return "ch10-order"
    return "ch10-identity"
