"""Every lab replayed on the simulated cluster: what differs is what the list says, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.conformance import KNOWN, compare, known_differences

LABS = sorted((Path(__file__).parents[1] / "data" / "labs").glob("*/recording.jsonl"))
MOST = 20  # of 265 steps


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.parent.name)
def test_a_lab_goes_as_it_went_on_a_real_cluster(path):
    known = known_differences().get(path.parent.name, {})
    found = compare(path)
    surprises = {step: lines[:6] for step, lines in found.differences.items() if step not in known}
    assert not surprises, f"{path.parent.name} differs from its recording where {KNOWN.name} does not say so"
    gone = set(known) - set(found.differences)
    assert not gone, f"{path.parent.name}: equal now, take it out of {KNOWN.name}"


def test_the_list_is_short_and_each_has_its_reason():
    known = known_differences()
    assert sum(len(steps) for steps in known.values()) <= MOST
    assert all(len(reason) > 20 for steps in known.values() for reason in steps.values())
