"""A rollout's bounds are those of the Deployment controller."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.errors import K8svizError
from k8sviz.rules.rollout import rollout_bounds, scaled_value

AMOUNTS = st.one_of(st.integers(0, 30), st.integers(0, 100).map("{}%".format))


def deployment(replicas=None, **rolling):
    return {"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}}


@pytest.mark.parametrize(
    ("replicas", "rolling", "most", "least"),
    [
        (3, {}, 4, 3),
        (4, {}, 5, 3),
        (10, {}, 13, 8),
        (None, {}, 2, 1),
        (0, {}, 0, 0),
        (3, {"maxSurge": 1, "maxUnavailable": 0}, 4, 3),
        (3, {"maxSurge": 0, "maxUnavailable": "10%"}, 3, 2),
        (3, {"maxSurge": "100%", "maxUnavailable": "100%"}, 6, 0),
        (2, {"maxUnavailable": 5, "maxSurge": 0}, 2, 0),
        (5, {"maxSurge": "1%", "maxUnavailable": "39%"}, 6, 4),
        (0, {"maxSurge": 0, "maxUnavailable": 0}, 0, 0),
    ],
)
def test_bounds(replicas, rolling, most, least):
    bounds = rollout_bounds(deployment(replicas, **rolling))
    assert (bounds.max_total, bounds.min_available) == (most, least)


@given(st.integers(1, 200), AMOUNTS, AMOUNTS)
def test_a_rollout_can_always_move_and_never_needs_more_than_all(replicas, surge, unavailable):
    bounds = rollout_bounds(deployment(replicas, maxSurge=surge, maxUnavailable=unavailable))
    assert bounds.max_surge + bounds.max_unavailable > 0
    assert 0 <= bounds.min_available <= replicas <= bounds.max_total


@given(st.integers(0, 500), st.integers(0, 300))
def test_rounding(percent, total):
    up, down = (scaled_value(f"{percent}%", total, round_up=way) for way in (True, False))
    assert 0 <= up - down <= 1
    assert down * 100 <= percent * total <= up * 100


def test_what_is_no_percentage():
    with pytest.raises(K8svizError):
        rollout_bounds(deployment(3, maxSurge="many"))


def test_recreate_keeps_nothing_and_surges_nothing():
    bounds = rollout_bounds({"spec": {"replicas": 3, "strategy": {"type": "Recreate"}}})
    assert (bounds.max_total, bounds.min_available) == (3, 0)
