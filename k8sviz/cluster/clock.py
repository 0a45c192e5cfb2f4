"""The simulated cluster's time: a queue of what is to happen, played in order, the same for the same seed."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from k8sviz.errors import K8svizError
from k8sviz.words import say

__all__ = ["Clock", "Timer"]

_MOST_ACTS = 2_000_000  # in one run: a controller that never settles ends in a message, not in a hang


class Timer:
    """Something that is to happen at a time; `cancel` takes it back."""

    __slots__ = ("_clock", "background", "function", "time")

    def __init__(self, clock: Clock, time: float, function: Callable[[], object], background: bool) -> None:
        self._clock = clock
        self.time = time
        self.function: Callable[[], object] | None = function
        self.background = background

    def cancel(self) -> None:
        """It will not happen."""
        self._clock.forget(self)


class Clock:
    """Time in seconds of the History. Nothing passes by itself: `run` plays what is due, in order.

    `start` is the wall-clock time, RFC 3339, of second 0. `random` is the cluster's one source of chance.

    >>> clock = Clock("2026-11-23T09:00:00Z")
    >>> done = []
    >>> _ = clock.later(2.5, lambda: done.append(clock.now))
    >>> clock.run(10)
    >>> done, clock.now, clock.stamp()
    ([2.5], 10, '2026-11-23T09:00:10Z')
    """

    def __init__(self, start: str, *, now: float = 0.0, seed: int = 0) -> None:
        self.start = datetime.fromisoformat(start.replace("Z", "+00:00")).astimezone(UTC)
        self.now = now
        self.random = random.Random(seed)  # noqa: S311 - to be the same for the same seed
        self._fraction = self.start.microsecond / 1e6
        self._stamped = (-1, "")  # the newest stamp that was asked for: thousands are for the same second
        self._queue: list[tuple[float, int, Timer]] = []
        self._count = 0
        self._waiting = 0  # how many of the queue are to happen and more than background

    def stamp(self, at: float | None = None) -> str:
        """A time (None: now) as API objects hold it, whole seconds."""
        second = math.floor((self.now if at is None else at) + self._fraction)
        if second != self._stamped[0]:
            moment = self.start + timedelta(seconds=second - self._fraction)
            self._stamped = (second, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return self._stamped[1]

    def micro_stamp(self) -> str:
        """Now as API objects hold a MicroTime."""
        return (self.start + timedelta(seconds=self.now)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def nanoseconds(self) -> int:
        """Now in nanoseconds since 1970, as names of Events end in."""
        return round((self.start.timestamp() + self.now) * 1e6) * 1000

    def seconds(self, stamp: str) -> float:
        """The time in seconds of the History that a stamp of an object means. Raises ValueError."""
        return (datetime.fromisoformat(stamp.replace("Z", "+00:00")) - self.start).total_seconds()

    def later(self, seconds: float, function: Callable[[], object], *, background: bool = False) -> Timer:
        """Call a function when that many seconds have passed; what is due at the same time happens in this order.

        `background` is what always comes again (a resync, a heartbeat): `rest` does not wait for it.
        """
        timer = Timer(self, self.now + max(0.0, seconds), function, background)
        heapq.heappush(self._queue, (timer.time, self._count, timer))
        self._count += 1
        self._waiting += not background
        return timer

    def forget(self, timer: Timer) -> None:
        """A timer will not happen."""
        if timer.function is not None:
            timer.function = None
            self._waiting -= not timer.background

    def run(self, until: float) -> None:
        """Play what is due up to a time, and let it be that time then.

        Raises K8svizError when things keep each other going without end.
        """
        self._play(until, to_rest=False)
        self.now = max(self.now, until)

    def rest(self, until: float) -> bool:
        """Play until only background is left, at most up to a time; whether it came to rest. Raises as `run` does."""
        self._play(until, to_rest=True)
        if self._waiting:
            self.now = max(self.now, until)
        return not self._waiting

    def _play(self, until: float, *, to_rest: bool) -> None:
        for _ in range(_MOST_ACTS):
            if (to_rest and not self._waiting) or not self._step(until):
                return
        raise K8svizError(say("cluster.too-much", count=_MOST_ACTS))

    def _step(self, until: float) -> bool:
        """Play one thing; False when nothing is due."""
        while self._queue and self._queue[0][2].function is None:
            heapq.heappop(self._queue)
        if not self._queue or self._queue[0][0] > until:
            return False
        time, _, timer = heapq.heappop(self._queue)
        self.now = max(self.now, time)
        function = timer.function
        self.forget(timer)
        if function is not None:
            function()
        return True
