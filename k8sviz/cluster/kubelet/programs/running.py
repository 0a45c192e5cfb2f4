"""Programs that take time, or tell of the machine: sleep, sh, date, hostname."""

# ruff: noqa: ARG001 - every program takes the same arguments

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from k8sviz.cluster.kubelet.programs.registry import program, split_options
from k8sviz.cluster.kubelet.shell import ExitShell, Run, Shell, Sink

__all__: list[str] = []

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MOST_SECONDS: Final = 10.0**9


def _seconds(word: str) -> float:
    if word in ("infinity", "inf"):
        return _MOST_SECONDS
    unit = _UNITS.get(word[-1:], 0.0)
    try:
        found = float(word[:-1]) * unit if unit else float(word)
    except ValueError:
        return -1.0
    return min(found, _MOST_SECONDS) if found >= 0 else -1.0


@program("sleep", "usleep")
def _sleep(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> Run:
    times = [_seconds(word) for word in args]
    if not times or min(times) < 0:
        err.write(f"sleep: invalid number '{args[0]}'\n" if args else "BusyBox: usage: sleep [N]...\n")
        return 1
    total = sum(times)
    yield None if total >= _MOST_SECONDS else total
    return 0


@program("sh", "bash", "ash")
def _sh(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> Run:
    inner = shell.copy()
    known = {**shell.environment, "PWD": shell.folder, "SHLVL": "1"}
    inner.variables = dict(sorted(known.items(), key=lambda pair: _bucket(pair[0])))
    inner.exported = set(known)
    options, rest = split_options(args)
    if "c" in options and rest:
        inner.name, inner.args = (rest[1] if len(rest) > 1 else "sh"), tuple(rest[2:])
        return (yield from inner.run(rest[0], out, err, stdin))
    if rest:
        try:
            script = shell.view.read(shell.path(rest[0])).decode("utf-8", "replace")
        except OSError:
            err.write(f"sh: can't open '{rest[0]}': No such file or directory\n")
            return 2
        inner.name, inner.args = rest[0], tuple(rest[1:])
        return (yield from inner.run(script, out, err, stdin))
    return (yield from inner.run(stdin, out, err))


def _bucket(name: str) -> int:
    """Where busybox's shell keeps a variable, which is the order in which it hands them on (hashvar in ash.c)."""
    return ((ord(name[0]) << 4 if name else 0) + sum(map(ord, name))) % 39


@program("date")
def _date(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(shell.world.now()))
    form = next((word[1:] for word in args if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    for letters, long in (("%T", "%H:%M:%S"), ("%F", "%Y-%m-%d"), ("%s", str(int(shell.world.now())))):
        form = form.replace(letters, long)
    form = form.replace("%e", f"{moment.day:2d}").replace("%N", "000000000").replace("%Z", "UTC")
    out.write(re.sub(r"%[aAbBdHIjmMpSyY]", lambda found: moment.strftime(found.group()), form) + "\n")
    return 0


@program("hostname")
def _hostname(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    short = shell.variables.get("HOSTNAME", "localhost")
    if "-f" not in args:
        out.write(short + "\n")
        return 0
    try:
        lines = shell.view.read("/etc/hosts").decode("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = next((line.split()[1:] for line in lines if short in line.split()[1:]), [short])
    out.write(names[0] + "\n")
    return 0


@program("id", "whoami")
def _id(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write("root\n" if not args and "id" not in args else "0\n")
    return 0


@program("uname")
def _uname(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write("Linux\n")
    return 0


@program("nproc")
def _nproc(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write("2\n")
    return 0


@program("kill")
def _kill(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    if "1" in args:
        raise ExitShell(143)
    return 0
