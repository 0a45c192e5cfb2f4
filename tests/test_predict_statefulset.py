"""Predicted StatefulSets: the order of starts, stops and updates against every lab, and properties for any setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from k8sviz.diagrams.stories.stateful import Move, orders, stateful_story
from k8sviz.diagrams.timelines.rollouts import rollout_series
from k8sviz.errors import K8svizError
from k8sviz.kinds import Ref
from k8sviz.predict.statefulset import Action, StatefulPrediction, predict_statefulset
from k8sviz.render.charts.rollout import rollout_chart
from k8sviz.rules.statefulset import Act, Member, Plan, next_acts
from k8sviz.sources.recording import read
from k8sviz.views.frames import film

DATA = Path(__file__).parent.parent / "data" / "labs"


def manifest(lab: str, *names: str) -> list[Any]:
    return [thing for n in names for thing in yaml.safe_load_all((DATA / lab / f"{n}.yaml").read_text())]


def order(name: str) -> StatefulPrediction:
    """What the lab's steps would do, by the prediction."""
    match name:
        case "ch10-identity":
            first = manifest(name, "service", "statefulset")
            steps = [
                Action("delete-pod", 0),
                Action("scale", 4),
                Action("scale", 1),
                Action("scale", 2),
                Action("delete"),
            ]
            return predict_statefulset(first, steps)
        case "ch10-order":
            first = manifest(name, "service", "ordered")
            steps = [
                Action("apply", manifest(name, "partition")),
                Action("apply", manifest(name, "all")),
                Action("delete"),
                Action("apply", manifest(name, "parallel")),
                Action("apply", manifest(name, "retention")),
                Action("scale", 1),
            ]
            return predict_statefulset(first, steps)
        case "ch10-peers":
            return predict_statefulset(
                manifest(name, "service", "statefulset"), [Action("break", 1), Action("heal", 1)]
            )
        case "ch10-static-volumes":
            first = manifest(name, "service", "statefulset")
            return predict_statefulset(first, [Action("add-volume", 1)], volumes=3)
        case "ch10-unhealthy":
            steps = [Action("break", 2), Action("scale", 2), Action("break", 0), Action("scale", 1), Action("heal", 0)]
            return predict_statefulset(manifest(name, "service", "statefulset"), steps)
    raise AssertionError(name)


def grouped(moves: list[Move]) -> list[list[str]]:
    """Moves in order; those of one moment in any order. A revision is known by when it first came."""
    numbers: dict[str, int] = {}
    found: list[list[str]] = []
    last = -1.0
    for move in moves:
        number = numbers.setdefault(move.revision, len(numbers))
        word = f"{move} of revision {number}"
        if move.t - last < 0.2:
            found[-1] = sorted([*found[-1], word])
        else:
            found.append([word])
        last = move.t
    return found


LABS = ["ch10-identity", "ch10-order", "ch10-peers", "ch10-static-volumes", "ch10-unhealthy"]


@pytest.mark.parametrize("name", LABS)
def test_the_order_of_starts_stops_and_updates_equals_the_recorded_one(name: str) -> None:
    recorded = orders(read(DATA / name / "recording.jsonl"), Ref("StatefulSet", "kubia", "demo"))
    predicted = order(name)
    assert grouped(orders(predicted.history, predicted.ref)) == grouped(recorded)


def test_the_history_says_what_the_prediction_says() -> None:
    predicted = order("ch10-order")
    told = [(m.t, m.verb, m.ordinal, m.revision) for m in orders(predicted.history, predicted.ref)]
    assert sorted(told) == sorted(predicted.moves)


def test_claims_go_or_stay_by_the_policy() -> None:
    predicted = order("ch10-order")
    assert [o["metadata"]["name"] for o in predicted.history.at(None).objects("pvc")] == ["data-kubia-0"]
    predicted = order("ch10-identity")
    assert len(predicted.history.at(None).objects("pvc")) == 4
    assert predicted.history.at(None).objects("Pod") == []


def test_what_is_waited_for() -> None:
    first = manifest("ch10-static-volumes", "service", "statefulset")
    assert predict_statefulset(first, volumes=3).to_json()["waitsFor"] == {"pod": "kubia-3", "why": "not-ready"}
    steps = [Action("break", 0), Action("scale", 1)]
    first = manifest("ch10-unhealthy", "service", "statefulset")
    predicted = predict_statefulset(first, steps)
    assert predicted.to_json()["waitsFor"] == {"pod": "kubia-0", "why": "not-ready"}
    assert not any(m["do"] == "stop" for m in predicted.to_json()["order"])


def wish(replicas: int = 3, tag: str = "1", **spec: Any) -> dict[str, Any]:
    containers = [{"name": "a", "image": f"db:{tag}"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "demo"},
        "spec": {
            "serviceName": "db",
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": containers},
            },
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}],
            **spec,
        },
    }


def test_on_delete_waits_for_people() -> None:
    spec = {"updateStrategy": {"type": "OnDelete"}}
    steps = [Action("apply", wish(tag="2", **spec)), Action("delete-pod", 1)]
    moves = predict_statefulset(wish(**spec), steps).to_json()["order"]
    assert [f"{m['do']} {m['pod']}" for m in moves[3:]] == ["stop db-1", "start db-1"]
    assert moves[4]["revision"] != moves[0]["revision"]


def test_max_unavailable_is_not_kept_by_default() -> None:
    spec = {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 2}}, "podManagementPolicy": "Parallel"}
    predicted = predict_statefulset(wish(5, **spec), [Action("apply", wish(5, "2", **spec))])
    stops = [(t, o) for t, verb, o, _ in predicted.moves if verb == "stop"]
    assert [o for _, o in stops] == [4, 3, 2, 1, 0]
    assert len({t for t, _ in stops}) == 5
    assert "maxUnavailable" not in str(predicted.history.at().objects("StatefulSet"))


def test_several_may_be_unavailable_at_once_where_the_cluster_keeps_it() -> None:
    stored = {"spec": {"replicas": 5, "updateStrategy": {"rollingUpdate": {"maxUnavailable": 2}}}}
    pods = [Member(i, "old", ready=True, available=True) for i in range(5)]
    assert [act.ordinal for act in next_acts(stored, pods, "old", "new").acts] == [4, 3]


def test_a_parallel_set_updates_though_a_lower_pod_is_broken_and_waits_for_updated_ones() -> None:
    parallel = {"spec": {"replicas": 3, "podManagementPolicy": "Parallel"}}
    well, broken = {"ready": True, "available": True}, {}
    pods = [Member(0, "old", **broken), Member(1, "old", **well), Member(2, "new", **well)]
    assert next_acts(parallel, pods, "old", "new").acts == (Act("delete", 1, "old"),)
    pods[2] = Member(2, "new", **broken)
    assert next_acts(parallel, pods, "old", "new") == Plan((), 2, "unhealthy-update")


def test_a_new_pod_is_of_the_new_revision_unless_a_partition_or_a_bare_strategy_says_else() -> None:
    def made(strategy: dict) -> str:
        return next_acts({"spec": {"updateStrategy": strategy}}, [], "old", "new", kept=1).acts[0].revision

    assert [made(s) for s in ({}, {"type": "RollingUpdate"}, {"rollingUpdate": {"partition": 1}})] == [
        "new",
        "old",
        "old",
    ]


def test_ordinals_may_start_elsewhere() -> None:
    moves = predict_statefulset(wish(2, ordinals={"start": 5})).moves
    assert [o for _, _, o, _ in moves] == [5, 6]


def test_a_bad_update_waits_at_the_highest_ordinal() -> None:
    predicted = predict_statefulset(wish(3), [Action("break", 2), Action("apply", wish(3, "2"))], failing=())
    # the broken Pod blocks: OrderedReady wants all Pods there before it updates any
    assert predicted.to_json()["waitsFor"] == {"pod": "db-2", "why": "not-ready"}


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(K8svizError, match="no Pod db-7"):
        predict_statefulset(wish(), [Action("break", 7)])
    with pytest.raises(K8svizError, match="one StatefulSet"):
        predict_statefulset([])
    with pytest.raises(K8svizError, match="unknown action"):
        predict_statefulset(wish(), [Action("dance")])  # type: ignore[arg-type]


ACTIONS = st.one_of(
    st.integers(0, 6).map(lambda n: Action("scale", n)), st.sampled_from("123").map(lambda tag: ("tag", tag))
)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5), st.lists(ACTIONS, max_size=3), st.booleans(), st.integers(0, 4), st.integers(0, 3), st.data())
def test_any_set_settles_as_asked(
    replicas: int, drawn: list, parallel: bool, partition: int, wait: int, data: st.DataObject
) -> None:
    spec = {
        "podManagementPolicy": "Parallel" if parallel else "OrderedReady",
        "minReadySeconds": wait,
        "updateStrategy": {"rollingUpdate": {"partition": partition}},
    }
    count, steps = replicas, []
    for action in drawn:
        if isinstance(action, Action):
            count = action.value
            steps.append(action)
        else:
            steps.append(Action("apply", wish(count, action[1], **spec)))
    ready = data.draw(st.floats(0.05, 3))
    predicted = predict_statefulset(wish(replicas, **spec), steps, ready_after=ready, stop_after=1)
    pods = predicted.history.at(None).objects("Pod")
    assert sorted(p["metadata"]["name"] for p in pods) == [f"db-{i}" for i in range(count)]
    assert predicted.waits.waits_for is None
    if not parallel:
        check_order(predicted, wait)


def check_order(predicted: StatefulPrediction, wait: int) -> None:
    """At most one Pod at a time is not available, and a Pod starts when all lower ones are available."""
    series = rollout_series(predicted.history, predicted.ref)
    for t, verb, ordinal, _ in predicted.moves:
        if verb == "start":
            stages = {p.name: s.stage for p in series.pods for s in p.spells if s.start <= t < s.end}
            lower = [stages.get(f"db-{i}") for i in range(ordinal)]
            assert set(lower) <= {"available"}


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=6), st.integers(0, 6))
def test_one_sync_in_order_does_one_thing(pods: list[tuple[bool, bool]], replicas: int) -> None:
    members = [Member(i, "r1", ready, ready, going) for i, (ready, going) in enumerate(pods)]
    plan = next_acts({"spec": {"replicas": replicas}}, members, "r1", "r2", replicas)
    assert len(plan.acts) <= 1
    again = next_acts(
        {"spec": {"replicas": replicas, "podManagementPolicy": "Parallel"}}, members, "r1", "r2", replicas
    )
    assert {a.ordinal for a in again.acts if a.verb == "create"} == set(range(len(pods), replicas))


def test_forty_ordinals_stay_readable() -> None:
    predicted = predict_statefulset(
        wish(40, podManagementPolicy="Parallel"), [Action("apply", wish(40, "2"))], ready_after=0.2, stop_after=0.2
    )
    shown = film(predicted.history, stateful_story(predicted.history))
    assert len(shown.whole.nodes) < 25
    assert shown.layout.width < 1300
    assert rollout_chart(rollout_series(predicted.history)).png()
