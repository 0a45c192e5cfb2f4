"""`k8sviz why KIND/NAME --wait`: waits for an object to be well, for pipelines: 0 well, 1 cannot heal, 3 time over."""

from __future__ import annotations

import argparse
import math
import sys
import time
from typing import TYPE_CHECKING

import k8sviz
from k8sviz.cli.common import is_ref, print_json, split
from k8sviz.errors import K8svizError
from k8sviz.kinds import parse_ref

if TYPE_CHECKING:
    from k8sviz.why.healing import Verdict, Watch

__all__ = ["add_arguments", "wait_for"]

CODES = {"well": 0, "cannot-heal": 1, "time-over": 3}
_EVERY = 2.0  # seconds after which a cluster is looked at although nothing has changed: time alone may decide


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--wait` and its `--timeout`."""
    parser.add_argument(
        "--wait",
        action="store_true",
        help="wait until the object is well: exit code 0; 1 at a cause that cannot heal by itself, 3 when time is over",
    )
    parser.add_argument(
        "--timeout", type=float, default=300.0, metavar="SECONDS", help="for how long --wait waits (default: 300)"
    )


def wait_for(options: argparse.Namespace) -> int:
    """Waits for the one object that is named: in the source that is, or in the cluster of the kubeconfig."""
    refs = [word for word in options.words if is_ref(word)]
    live = len(refs) == len(options.words) and not options.filename
    if len(refs) != 1:
        raise K8svizError("wait for which object? Name one, as in k8sviz why deploy/web --wait")
    if math.isnan(options.timeout) or options.timeout < 0:
        raise K8svizError("--timeout takes seconds, 0 or more")
    verdict, watch = _live(options, refs[0]) if live else _recorded(options, refs[0])
    _tell(options, refs[0], verdict, watch)
    return CODES[verdict]


def _recorded(options: argparse.Namespace, what: str) -> tuple[Verdict, Watch]:
    from k8sviz.why.healing import wait_in

    history = k8sviz.open_source(split(options)[0])
    if not isinstance(history, k8sviz.History):
        history = history.history
    at = options.at
    start = 0.0 if at is None else history.settled(at) if at in {s.id for s in history.steps} else history.time(at)
    if at is None and not history.steps:
        start = history.end
    named = parse_ref(what, options.namespace) if options.namespace else what
    return wait_in(history, named, start, options.timeout, history.times())


def _live(options: argparse.Namespace, what: str) -> tuple[Verdict, Watch]:
    from k8sviz.sources.opening import follower
    from k8sviz.why.healing import Watch

    followed = follower(options.namespace, options.context)
    try:
        watch = Watch(parse_ref(what, followed.history.about.namespace))
        until, seen = time.monotonic() + options.timeout, -1
        while True:
            verdict = watch.look(followed.history, followed.now(), time.monotonic())
            left = until - time.monotonic()
            if verdict != "waits" or left <= 0:
                return ("time-over" if verdict == "waits" else verdict), watch
            if followed.closed:
                raise K8svizError(followed.failure or "the cluster is no longer followed")
            seen = followed.wait(seen, min(_EVERY, left))
    finally:
        followed.close()


def _tell(options: argparse.Namespace, what: str, verdict: Verdict, watch: Watch) -> None:
    told = watch.newest
    if options.json:
        print_json({"verdict": verdict, "explanation": None if told is None else told.to_json()})
    elif told is None:
        print(f"{what} is not there", file=sys.stderr)
    else:
        print(told)
