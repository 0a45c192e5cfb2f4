"""Predicted rollouts against the recorded ones, and properties that hold for any setting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from k8sviz.diagrams.stories.rollout import rollout_story
from k8sviz.diagrams.timelines.rollouts import rollout_records, rollout_series
from k8sviz.errors import K8svizError
from k8sviz.history import History
from k8sviz.predict.rollout import RolloutPrediction, predict_rollout
from k8sviz.rules.deployment import Size, next_scaling, proportional_sizes, reconcile_old
from k8sviz.rules.rollout import rollout_bounds
from k8sviz.rules.templates import version_of
from k8sviz.sources.recording import read
from k8sviz.views.frames import film

DATA = Path(__file__).parent.parent / "data" / "labs"


def recorded(name: str) -> History:
    return read(DATA / name / "recording.jsonl")


def deployment(
    tag: str = "1", replicas: int = 4, *, wait: int = 0, strategy: dict | None = None, **spec: object
) -> dict:
    containers = [{"name": "a", "image": f"web:{tag}"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "demo"},
        "spec": {
            "replicas": replicas,
            "minReadySeconds": wait,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": strategy or {},
            **spec,
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": containers},
            },
        },
    }


def versions_of(history: History) -> list[dict]:
    """The Deployment at each change of its template, as a recording has it."""
    found: list[dict] = []
    for ref in history.refs("Deployment"):
        for event in history.versions(ref.kind, ref.name):
            template = event.object["spec"]["template"]
            if event.type != "DELETED" and (not found or found[-1]["spec"]["template"] != template):
                found.append(event.object)
    return found


def plain(obj: dict) -> dict:
    return {
        **{k: obj[k] for k in ("apiVersion", "kind", "spec")},
        "metadata": {k: obj["metadata"][k] for k in ("name", "namespace")},
    }


def scalings(history: History, after: float, until: float) -> list[tuple[str, int, int]]:
    """(up or down, from, to) as the controller's Events say."""
    found = []
    for ref in history.refs("Event"):
        for event in history.versions(ref.kind, ref.name):
            words = re.search(r"Scaled (up|down) replica set \S+ from (\d+) to (\d+)", event.object.get("message", ""))
            if words and event.type != "DELETED" and after <= event.t < until:
                found.append((event.t, (words[1], int(words[2]), int(words[3]))))
    return [row for _, row in sorted(found)]


CASES = [
    ("ch09-surge-unavailable", 1),
    ("ch09-surge-unavailable", 2),
    ("ch09-surge-unavailable", 3),
    ("ch09-surge-unavailable", 4),
    ("ch09-rolling-update", 1),
    ("ch09-rolling-update", 2),
    ("ch09-rolling-update", 3),
    ("ch09-recreate", 1),
    ("ch09-config-change", 1),
]


@pytest.mark.parametrize(("name", "number"), CASES)
def test_scalings_and_bounds_equal_the_recorded_ones(name: str, number: int) -> None:
    history = recorded(name)
    revisions = rollout_series(history).revisions
    objects = versions_of(history)
    predicted = predict_rollout(plain(objects[number - 1]), plain(objects[number]), ready_after=0.7, stop_after=2.5)
    here = revisions[number]
    rows = scalings(history, here.start, here.end)
    mine = [("up" if s.after > s.before else "down", s.before, s.after) for s in predicted.scalings]
    # until the first new Pod is available nothing depends on how fast Pods are; Events may be merged in a recording
    starts = (p.first("available") for p in rollout_series(history).pods)
    ready = min(t for t in starts if t and t > here.start)
    until_ready = scalings(history, here.start, ready)
    assert mine[: len(until_ready)] == until_ready
    new, old = predicted.first
    assert new == next(to - before for way, before, to in rows if way == "up")
    assert old == sum(before - to for way, before, to in until_ready if way == "down")
    bounds = predicted.to_json()["bounds"]
    assert (bounds["maxTotal"], bounds["minAvailable"]) == (here.total_bound, here.available_bound)
    record = rollout_records(predicted.history)[-1]
    assert record == {**here.record(), "revision": 2}


@pytest.mark.parametrize(("name", "number"), [("ch09-pause-resume", 1), ("ch09-bad-version", 1)])
def test_first_scaling_of_a_slow_version(name: str, number: int) -> None:
    history = recorded(name)
    objects = versions_of(history)
    pair = [plain(o) for o in objects[number - 1 : number + 1]]
    predicted = predict_rollout(*pair, ready_after=[0.7, None], stop_after=2)
    assert predicted.first == (1, 0)
    assert predicted.complete is None


def test_an_undo_midway_takes_the_old_replica_set_up_again() -> None:
    history = recorded("ch09-undo-midway")
    objects = [plain(o) for o in versions_of(history)]
    here = rollout_series(history).revisions
    begin_at = [1.4, here[1].start, here[2].start]
    predicted = predict_rollout(*objects, ready_after=0.4, stop_after=2.5, begin_at=begin_at)
    mine = [("up" if s.after > s.before else "down", s.before, s.after) for s in predicted.scalings]
    assert mine[:2] == scalings(history, here[2].start, here[2].end)[:2] == [("down", 3, 2), ("up", 2, 3)]
    assert [r["revision"] for r in rollout_records(predicted.history)] == [1, 2, 3]


# -- properties ----------------------------------------------------------------------------------------

AMOUNTS = st.one_of(st.integers(0, 12), st.integers(0, 100).map(lambda n: f"{n}%"))


@st.composite
def rollouts(draw: st.DrawFn) -> tuple[RolloutPrediction, bool]:
    rolling = {"maxSurge": draw(AMOUNTS), "maxUnavailable": draw(AMOUNTS)}
    strategy = {"type": "Recreate"} if draw(st.integers(0, 9)) == 0 else {"rollingUpdate": rolling}
    bad = draw(st.booleans())
    ready = draw(st.floats(0.05, 8))
    wait, replicas = draw(st.integers(0, 6)), draw(st.integers(0, 12))
    pair = [deployment(tag, replicas, wait=wait, strategy=strategy) for tag in ("1", "2")]
    stop = draw(st.floats(0, 6))
    return predict_rollout(*pair, ready_after=[ready, None if bad else ready], stop_after=stop), bad


@settings(max_examples=60, deadline=None)
@given(rollouts())
def test_no_rollout_breaks_its_bounds_and_each_ends(drawn: tuple[RolloutPrediction, bool]) -> None:
    predicted, bad = drawn
    for record in rollout_records(predicted.history):
        assert record["maxTotal"] <= record["totalBound"]
        if record["availableBound"] is not None:
            assert record["minAvailable"] >= record["availableBound"]
    if not bad or predicted.bounds.replicas == 0:
        assert predicted.complete is not None
        assert predicted.scalings == () or predicted.scalings[-1].t <= predicted.complete + 0.1


def test_a_bad_version_stops_at_the_bounds_and_is_reported() -> None:
    strategy = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    pair = [deployment(tag, 3, strategy=strategy, progressDeadlineSeconds=30) for tag in ("1", "2")]
    predicted = predict_rollout(*pair, ready_after=[1, None])
    series = rollout_series(predicted.history)
    assert predicted.complete is None
    assert [m.reason for m in series.marks][-1] == "ProgressDeadlineExceeded"
    assert rollout_records(predicted.history)[1]["minAvailable"] == 3


def test_a_bad_version_is_taken_back_first() -> None:
    strategy = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}
    one, bad, good = (deployment(tag, 4, strategy=strategy) for tag in "123")
    predicted = predict_rollout(one, bad, good, ready_after=[1, None, 1], stop_after=1)
    assert predicted.complete is not None
    # cleanupUnhealthyReplicas: of the old ones, those that are not available go at once
    assert next(s for s in predicted.scalings if s.after < s.before).before == 2


def test_replicas_and_history_limit_change_on_the_way() -> None:
    tags = [deployment(str(i), 2, revisionHistoryLimit=2) for i in range(6)]
    predicted = predict_rollout(*tags, ready_after=0.3, stop_after=0.2)
    assert len(predicted.history.at(None).objects("ReplicaSet")) == 3
    scaled = predict_rollout(deployment("1", 2), deployment("1", 5), ready_after=0.3)
    assert len(scaled.history.at(None).objects("Pod")) == 5
    assert [(r["kind"], r["revision"]) for r in rollout_records(scaled.history)] == [("rollout", 1), ("scale", 1)]


def test_what_changes_under_a_pause_is_one_revision() -> None:
    versions = [deployment("1"), *(deployment(tag, paused=True) for tag in "123"), deployment("3")]
    found = predict_rollout(*versions, ready_after=0.5, stop_after=0.2)
    assert [(r["kind"], r["revision"]) for r in rollout_records(found.history)] == [("rollout", 1), ("rollout", 2)]


def test_bounds_follow_a_scale_in_the_middle_and_a_scaling_to_nothing_is_a_row_of_its_own() -> None:
    wish = {"rollingUpdate": {"maxSurge": 2, "maxUnavailable": 1}}
    tags = [("1", 5), ("2", 5), ("2", 8), ("2", 0)]
    versions = [deployment(tag, replicas, strategy=wish) for tag, replicas in tags]
    found = predict_rollout(*versions, ready_after=2, stop_after=0.5, begin_at=(0, 10, 11))
    first, rollout, scale = rollout_records(found.history)
    assert (first["totalBound"], first["availableBound"]) == (7, None)
    assert (rollout["kind"], rollout["totalBound"], rollout["availableBound"]) == ("rollout", 10, 4)
    assert (scale["kind"], scale["revision"], scale["availableBound"]) == ("scale", 2, 0)


def test_old_pods_stay_available_by_their_own_replica_sets_seconds() -> None:
    wish = {"rollingUpdate": {"maxSurge": 2, "maxUnavailable": 1}}
    versions = [deployment("1", 9, strategy=wish), deployment("2", 9, wait=5, strategy=wish)]
    found = predict_rollout(*versions, ready_after=0.5, stop_after=0.5, begin_at=(0, 3))
    row = rollout_records(found.history)[1]
    assert row["minAvailable"] >= row["availableBound"] == 8


def test_versions_of_different_deployments_are_refused() -> None:
    other = {**deployment(), "metadata": {"name": "db"}}
    with pytest.raises(K8svizError, match="different Deployments"):
        predict_rollout(deployment(), other)
    with pytest.raises(K8svizError, match="one Deployment"):
        predict_rollout([])
    with pytest.raises(K8svizError, match="nothing to predict"):
        predict_rollout()


# -- rules on their own ----------------------------------------------------------------------------------


def test_one_sync_does_one_thing() -> None:
    wish = deployment(replicas=10, strategy={"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}})
    up = next_scaling(wish, Size("new", 0), [Size("old", 10, 10, 10)])
    assert [(s.name, s.after) for s in up] == [("new", 3)]
    down = next_scaling(wish, Size("new", 3, 0, 3), [Size("old", 10, 10, 10)])
    assert [(s.name, s.after) for s in down] == [("old", 8)]
    new, old = (Size(name, size, wanted=10, limit=13) for name, size in (("new", 3), ("old", 10)))
    assert next_scaling({**wish, "spec": {**wish["spec"], "paused": True}}, new, [old]) == []


def test_replicas_and_version_changed_at_once_scale_the_old_version_first() -> None:
    changed = predict_rollout(deployment("1", replicas=3), deployment("2", replicas=6), stop_after=1)
    first = changed.scalings[0]
    assert (first.new, first.before, first.after) == (False, 3, 6)
    assert next(s.after for s in changed.scalings if s.new) == 2
    assert changed.complete is not None


def test_a_change_of_replicas_that_moves_no_pod_does_not_stop_a_rollout() -> None:
    wish = {"rollingUpdate": {"maxSurge": 2, "maxUnavailable": 0}}
    versions = [deployment(tag, replicas=n, strategy=wish) for tag, n in (("1", 4), ("2", 4), ("2", 5), ("2", 6))]
    for at in (5.1, 6.0, 8.0, 11.0):
        found = predict_rollout(*versions, ready_after=3, stop_after=1, begin_at=(0, 5, at, at + 0.5))
        assert found.complete is not None, at


def test_a_paused_deployment_forgets_old_versions_too() -> None:
    wish = [deployment(tag, replicas=1, revisionHistoryLimit=2) for tag in "123"]
    last = deployment("3", replicas=1, revisionHistoryLimit=0, paused=True)
    found = predict_rollout(*wish, last, ready_after=1, stop_after=1)
    assert len(found.history.at().objects("ReplicaSet")) == 1


def test_the_lowest_revision_is_forgotten_first_though_it_is_not_the_oldest() -> None:
    wish = [deployment(tag, replicas=1, revisionHistoryLimit=1) for tag in ("1", "2", "1", "3")]
    found = predict_rollout(*wish, ready_after=1, stop_after=1)
    kept = {version_of(s["spec"]["template"]) for s in found.history.at().objects("ReplicaSet")}
    assert kept == {"1", "3"}


def test_proportional_scaling_keeps_the_sum() -> None:
    wish = deployment(replicas=15, strategy={"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}})
    sizes = proportional_sizes(wish, Size("new", 5, age=2, limit=13), [Size("old", 8, age=1, limit=13)])
    assert sizes == {"old": 11, "new": 7}


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 5), st.integers(0, 5))
def test_old_pods_never_go_below_the_minimum(new: int, up: int, old: int, ok: int, surge: int, down: int) -> None:
    wish = deployment(replicas=6, strategy={"rollingUpdate": {"maxSurge": surge, "maxUnavailable": down}})
    bounds = rollout_bounds(wish)
    before = Size("old", old, min(ok, old), old)
    fresh = Size("new", new, min(up, new), new)
    after = reconcile_old(bounds, fresh, [before])[0]
    gone = before.desired - after.desired
    lost = max(0, gone - (before.desired - before.available))
    assert gone >= 0
    assert lost == 0 or fresh.available + before.available - lost >= bounds.min_available


# -- the same player for forty Pods and twenty revisions ---------------------------------------------------


@pytest.mark.slow
def test_a_player_of_twenty_revisions_stays_small() -> None:
    many = [deployment(str(i), 4) for i in range(20)]
    predicted = predict_rollout(*many, ready_after=0.5, stop_after=0.5)
    shown = film(predicted.history, rollout_story(predicted.history))
    assert len(shown.whole.nodes) < 25
    assert shown.layout.width < 1300
    assert shown.layout.height < 1500
    forty = predict_rollout(deployment("1", 40), deployment("2", 40), ready_after=0.5, stop_after=0.5)
    shown = film(forty.history, rollout_story(forty.history))
    assert len(shown.whole.nodes) < 25
    assert shown.layout.width < 1300
    assert shown.layout.height < 1300


def test_yaml_manifests_do() -> None:
    folder = DATA / "ch09-rolling-update"
    one, two = (list(yaml.safe_load_all((folder / f).read_text())) for f in ("kubia-v1.yaml", "kubia-v2.yaml"))
    predicted = predict_rollout(one + list(yaml.safe_load_all((folder / "svc.yaml").read_text())), two, ready_after=1)
    slices = predicted.history.at(None).objects("EndpointSlice")
    assert len(slices[0]["endpoints"]) == 4
