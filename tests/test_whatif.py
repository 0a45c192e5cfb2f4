"""What-if labs: settings in words, the nearest recorded run, and the widgets without a browser."""

from __future__ import annotations

import pytest

from k8sviz.diagrams.timelines.rollouts import rollout_records
from k8sviz.errors import K8svizError
from k8sviz.sources.labs import load_lab
from k8sviz.sources.recording import read
from k8sviz.views.settings import (
    Near,
    RolloutSettings,
    StatefulSettings,
    nearest_rollout,
    nearest_stateful_lab,
    rollout_runs,
)
from k8sviz.views.whatif import rollout_whatif, stateful_whatif

NAMES = ("bad-version", "recreate", "rolling-update", "surge-unavailable", "undo-midway", "pause-resume")


@pytest.fixture(scope="module")
def runs() -> list[Near]:
    return list(rollout_runs(read(load_lab(f"ch09-{n}").recording) for n in NAMES))


def test_rounding_is_shown() -> None:
    assert RolloutSettings(replicas=10).lines() == [
        "maxSurge 25% of 10 = 2.5, rounded up: 3",
        "maxUnavailable 25% of 10 = 2.5, rounded down: 2",
        "at most 10 + 3 = 13 Pods; at least 10 − 2 = 8 available",
    ]
    assert any("Both came to 0" in line for line in RolloutSettings(3, 0, "10%").lines())
    assert "refuses" in RolloutSettings(3, 0, 0).lines()[0]
    assert "nobody serves" in RolloutSettings(3, recreate=True).lines()[0]


@pytest.mark.parametrize(
    ("settings", "lab", "revision"),
    [
        (RolloutSettings(), "ch09-rolling-update", None),
        (RolloutSettings(4, 0, 1), "ch09-surge-unavailable", 3),
        (RolloutSettings(4, 2, 1), "ch09-surge-unavailable", 4),
        (RolloutSettings(4, "100%", 0), "ch09-surge-unavailable", 5),
        (RolloutSettings(recreate=True), "ch09-recreate", 2),
        (RolloutSettings(3, 1, 0, bad=True, min_ready=10), "ch09-bad-version", 2),
    ],
)
def test_the_nearest_recorded_rollout(
    settings: RolloutSettings, lab: str, revision: int | None, runs: list[Near]
) -> None:
    near = nearest_rollout(settings, runs)
    assert near is not None
    assert near.lab == lab
    if revision is not None:
        assert near.series.revisions[0].number == revision


def test_nothing_recorded_is_no_error() -> None:
    assert nearest_rollout(RolloutSettings(), []) is None


def test_a_prediction_of_the_recorded_settings_has_the_recorded_numbers(runs: list[Near]) -> None:
    for surge, unavailable in ((1, 0), (0, 1), (2, 1), ("100%", 0)):
        settings = RolloutSettings(4, surge, unavailable, ready_after=0.7)
        near = nearest_rollout(settings, [r for r in runs if r.lab == "ch09-surge-unavailable"])
        assert near is not None
        mine = rollout_records(settings.predict().history)[-1]
        assert {**near.series.revisions[0].record(), "revision": 2} == mine


@pytest.mark.parametrize(
    ("settings", "lab"),
    [
        (StatefulSettings(), "ch10-identity"),
        (StatefulSettings(failing=0), "ch10-unhealthy"),
        (StatefulSettings(parallel=True), "ch10-order"),
        (StatefulSettings(update=True, partition=2), "ch10-order"),
    ],
)
def test_the_nearest_stateful_lab(settings: StatefulSettings, lab: str) -> None:
    assert nearest_stateful_lab(settings) == lab


def test_a_stateful_life_in_words() -> None:
    settings = StatefulSettings(replicas=3, scale_to=1, update=True, partition=2)
    order = [f"{m['do']} {m['pod']}" for m in settings.predict().to_json()["order"]]
    assert order == [
        "start kubia-0",
        "start kubia-1",
        "start kubia-2",
        "stop kubia-2",
        "start kubia-2",
        "stop kubia-2",
        "stop kubia-1",
    ]
    assert settings.predict().history.at(None).objects("Pod")[0]["spec"]["containers"][0]["image"] == "busybox:1.36"
    blocked = StatefulSettings(failing=0)
    assert blocked.predict().waits.waits_for == 0
    assert any("everything waits" in line for line in blocked.lines())
    assert any("stops nothing" in line for line in StatefulSettings(failing=2).lines())


def test_the_widget_shows_a_picture_without_a_kernel() -> None:
    lab = rollout_whatif(replicas=4)
    data, metadata = lab._repr_mimebundle_()
    assert data["image/svg+xml"].startswith("<svg")
    assert "at most 4 + 1 = 5 Pods" in data["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "bound 5" in metadata["image/svg+xml"]["alt"]


def test_moving_a_slider_predicts_anew() -> None:
    lab = rollout_whatif(replicas=2, max_surge=1, max_unavailable=0)
    first, player = lab._svg, lab.player
    lab.replicas.value = 3
    assert lab.settings.replicas == 3
    assert lab._svg != first
    assert lab.player is not player
    lab.surge.slider.value = 0
    assert "refuses" in lab._said.value
    lab.unavailable.unit.value = True
    lab.unavailable.slider.value = 50
    assert lab.settings.max_unavailable == "50%"
    assert "rounded down: 1" in lab._said.value


def test_the_stateful_widget_follows_its_controls() -> None:
    lab = stateful_whatif(replicas=2, scale_to=1)
    assert lab.nearest == "ch10-identity"
    lab.fails.value = True
    assert lab.nearest == "ch10-unhealthy"
    assert "everything waits" in lab._said.value
    assert "waits for kubia-0 to be Ready" in lab.words
    assert list(lab._tabs.titles) == ["Player", "ch10-unhealthy"]


def test_an_unknown_setting_is_said() -> None:
    with pytest.raises(K8svizError, match="max_surge"):
        rollout_whatif(maxSurge=1)
    with pytest.raises(K8svizError, match="partition"):
        stateful_whatif(order=1)
