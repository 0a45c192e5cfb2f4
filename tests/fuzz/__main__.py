"""Fuzz everything for a while: `python -m tests.fuzz --seconds 600`; one case again: `--target why --case 17`."""

from __future__ import annotations

import argparse
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.fuzz.targets import TARGETS, one

MEMORY = 4 << 30  # bytes; a small input that takes more ends in a MemoryError instead of ending the machine
HANG = 1.0  # seconds of processor time for a small input
STOP = 30  # seconds on the clock after which a case is broken off


class _TooLong(BaseException):
    pass


def main() -> int:
    """Run cases in turns until the time is over. Returns 1 when one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--target", choices=tuple(TARGETS))
    parser.add_argument("--case", type=int, help="only this one, with its traceback")
    parser.add_argument("--first", type=int, default=0, help="the number to begin with")
    options = parser.parse_args()
    names = [options.target] if options.target else list(TARGETS)
    if options.case is not None:
        one(names[0], options.case)
        return 0
    signal.signal(signal.SIGALRM, _stop)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    tried: Counter[str] = Counter()
    failed: list[tuple[str, int, str]] = []
    slowest: dict[str, float] = {}
    for name in names:  # loads libraries, which is nobody's input's fault
        _try(name, -1)
    begin, number = time.monotonic(), options.first
    while time.monotonic() - begin < options.seconds and len(failed) < 40:
        for name in names:
            why, took = _try(name, number)
            tried[name] += 1
            slowest[name] = max(slowest.get(name, 0.0), took)
            if why:
                failed.append((name, number, why))
                print(f"FAILED {name} --case {number}: {why}", flush=True)
        number += 1
    for name in names:
        print(f"{name:18} {tried[name]:8,} inputs, slowest {slowest.get(name, 0):.2f} s")
    print(f"{sum(tried.values()):,} inputs in {time.monotonic() - begin:.0f} s, {len(failed)} failed")
    return int(bool(failed))


def _stop(*_: object) -> None:
    raise _TooLong


def _try(name: str, number: int) -> tuple[str, float]:
    begin = time.process_time()
    signal.alarm(STOP)
    try:
        one(name, number)
        why = ""
    except _TooLong:
        why = f"no end after {STOP} s"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        why = f"{type(error).__name__}: {str(error)[:100]!r} at {Path(frame.filename).name}:{frame.lineno}"
    finally:
        signal.alarm(0)
    took = time.process_time() - begin
    if not why and took > HANG:
        why = f"took {took:.1f} s"
    return why, took


if __name__ == "__main__":
    sys.exit(main())
