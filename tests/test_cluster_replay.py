"""What people did in a lab, done again on the simulated cluster, object by object: the controllers must answer as the
real ones did, whenever the real cluster had come to rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8sviz.sources.recording import read
from tests.replay import Replay, differences

LABS = Path(__file__).parent.parent / "data" / "labs"
# each with how often it came to rest between two steps
RESTS = {
    "ch09-blue-green": 2,
    "ch09-config-change": 2,
    "ch09-pause-resume": 1,
    "ch09-recreate": 1,
    "ch09-replicationcontroller": 3,
    "ch09-rolling-update": 3,
    "ch09-surge-unavailable": 2,
    "ch09-undo-midway": 1,
    "ch10-identity": 3,
}


@pytest.mark.parametrize("lab", RESTS)
def test_controllers_do_what_the_recorded_ones_did(lab):
    compared = 0
    for step, recorded, simulated in Replay(read(LABS / lab / "recording.jsonl")).moments():
        assert differences(recorded, simulated) == [], f"after {step.id}: {step.command}"
        compared += 1
    assert compared >= RESTS[lab]
