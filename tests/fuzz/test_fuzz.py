"""The short, deterministic part of fuzzing. The long one is `make fuzz`."""

import time

import pytest

from tests.fuzz.targets import TARGETS, one

# cases that once ended in a traceback
FOUND = [
    ("player", 174),
    ("player", 213),
    ("player", 647),
    ("player", 750),
    ("watch", 2),
    ("watch", 25),
    ("watch", 54),
    ("story config", 100460),
    ("rollouts", 101408),
    ("rollouts", 102303),
    ("player", 102350),
    ("command line", 100642),
    ("command line", 101475),
    ("large", 101839),
    ("player", 3000157),
    ("charts", 3002076),
    ("story stateful", 5000566),
    ("redaction", 5001991),
    ("player", 7000672),
    ("rollouts", 8000036),
]


@pytest.mark.parametrize("name", TARGETS)
def test_forty_inputs(name):
    one(name, 1_000_000)  # loads what it needs
    for number in range(40):
        begin = time.process_time()
        one(name, number)
        assert time.process_time() - begin < 5, f"{name} --case {number} hangs"  # one second on a machine of its own


@pytest.mark.parametrize(("name", "number"), FOUND)
def test_what_once_failed(name, number):
    one(name, number)
