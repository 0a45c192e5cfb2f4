"""A server's answers within limits of bytes, memory and time, whatever the server does.

A read timeout alone does not end a server that sends a byte now and then, so a timer closes the connection. Nothing
compressed is asked for, and none is taken: a few bytes of it can be gigabytes.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from k8sviz.errors import K8svizError
from k8sviz.words import say

__all__ = ["MOST_LINE", "Budget", "LostError", "body", "limit_heads", "lines", "patience", "retry_after", "weight"]

_MIB: Final = 1024 * 1024
MOST_LINE: Final = 4 * _MIB
"""Bytes of one change: etcd takes no object over 1.5 MiB."""
_MOST_ANSWER: Final = 32 * _MIB
_MOST_KEPT: Final = 200 * _MIB
_PATIENCE: Final = 9.0
_PIECE: Final = 1 << 16
_MOMENT: Final = 0.1  # seconds in which no answer comes any more


class LostError(K8svizError):
    """No answer, one that broke off, or one beyond what is read."""


def patience() -> float:
    """Seconds that a person waits until a cluster has been read: 9, or K8SVIZ_TIMEOUT. Raises K8svizError."""
    written = os.environ.get("K8SVIZ_TIMEOUT", "")
    try:
        seconds = float(written) if written else _PATIENCE
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise K8svizError(say("live.bad-timeout", value=written))
    return seconds


class Budget:
    """What all answers together may take: seconds from now, and bytes of memory. May be used from several threads."""

    def __init__(self, seconds: float, memory: int = _MOST_KEPT) -> None:
        self._end = time.monotonic() + seconds
        self.seconds = seconds
        self._memory = memory
        self._lock = threading.Lock()

    def left(self) -> float:
        """Seconds that are left. Raises LostError when there are none."""
        left = self._end - time.monotonic()
        if left <= _MOMENT:
            raise LostError(say("live.too-slow", seconds=f"{self.seconds:g}"))
        return left

    def take(self, size: int) -> None:
        """Note what an answer takes in memory. Raises LostError when it is too much."""
        with self._lock:
            self._memory -= size
            if self._memory < 0:
                raise LostError(say("live.too-large", size=f"{_MOST_KEPT // _MIB} MiB"))


def weight(data: bytes) -> int:
    """About the bytes that JSON takes when it has been read."""
    return 2 * len(data) + 90 * (data.count(b"{") + data.count(b"[")) + 40 * data.count(b",")


def body(response: Any, seconds: float) -> bytes:
    """An answer's body. Raises LostError when it is too large, too slow, or compressed."""
    _refuse_compressed(response)
    end = time.monotonic() + seconds
    found = bytearray()
    with _ended_after(seconds, lambda: _end(response)):
        while piece := response.read1(_PIECE, decode_content=False):
            found += piece
            if len(found) > _MOST_ANSWER:
                raise LostError(say("live.too-large", size=f"{_MOST_ANSWER // _MIB} MiB"))
            if time.monotonic() > end:
                break
    if time.monotonic() > end:
        raise LostError(say("live.too-slow", seconds=f"{seconds:.2g}"))
    return bytes(found)


def lines(response: Any) -> Iterator[bytes]:
    """The whole lines of an answer without end. Raises LostError for a line that is too long, or compressed."""
    _refuse_compressed(response)
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(_PIECE, decode_content=False):
        first, *more = piece.split(b"\n")
        pieces.append(first)
        size += len(first)
        if more:
            yield b"".join(pieces)
            yield from more[:-1]
            pieces, size = [more[-1]], len(more[-1])
        if size > MOST_LINE:
            raise LostError(say("live.long-line", size=f"{MOST_LINE // _MIB} MiB"))


def _refuse_compressed(response: Any) -> None:
    coding = str(response.headers.get("Content-Encoding") or "identity")
    if coding.strip().lower() != "identity":
        raise LostError(say("live.compressed", coding=coding[:40]))


def _end(response: Any) -> None:
    with contextlib.suppress(Exception):  # it has ended by itself just now
        response.shutdown()


@contextlib.contextmanager
def _ended_after(seconds: float, end: Callable[[], None]) -> Iterator[None]:
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def limit_heads(pool_manager: Any) -> None:
    """Make the connections of this manager end when an answer's head does not come whole within the read timeout."""
    import urllib3

    class Limited:
        def getresponse(self) -> Any:
            sock = self.sock  # type: ignore[attr-defined]
            seconds = self.timeout or _PATIENCE  # type: ignore[attr-defined]  # the read timeout, by now

            def end() -> None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

            with _ended_after(seconds, end):
                return super().getresponse()  # type: ignore[misc]

    pools = {}
    for scheme, pool in (("http", urllib3.HTTPConnectionPool), ("https", urllib3.HTTPSConnectionPool)):
        connection = type("Connection", (Limited, pool.ConnectionCls), {})
        pools[scheme] = type("Pool", (pool,), {"ConnectionCls": connection})
    pool_manager.pool_classes_by_scheme = pools


def retry_after(headers: Any, most: float) -> float:
    """Seconds that the server asks to wait, `most` at the most; 0 where it says nothing that can be understood."""
    written = str(headers.get("Retry-After") or "").strip()
    return min(float(written), most) if written.isascii() and written.isdigit() and len(written) < 10 else 0.0
