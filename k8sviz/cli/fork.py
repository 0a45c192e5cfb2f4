"""`k8sviz fork`, a prompt on a fork of anything, and `k8sviz try`: what a change would do, before it is applied."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from k8sviz.cli.common import command, print_json, source_arguments, split
from k8sviz.errors import K8svizError
from k8sviz.letters import printable, visible
from k8sviz.words import say

if TYPE_CHECKING:
    from k8sviz.fork import Fork

__all__ = ["COMMANDS"]

_PATIENCE: Final = 600.0
_END: Final = ("exit", "quit", "exit()", "quit()")


def _fork(commands: Any) -> None:
    parser = command(commands, "fork", _run_fork, say("cli.fork.help"))
    source_arguments(parser, live=True)
    parser.add_argument("-c", dest="line", action="append", default=[], help=say("cli.fork.line"))


def _try(commands: Any) -> None:
    parser = command(commands, "try", _run_try, say("cli.try.help"))
    source_arguments(parser, live=True)
    parser.add_argument("-o", dest="output", metavar="FILE", help=say("cli.try.output"))
    parser.add_argument("--json", action="store_true", help=say("cli.try.json"))
    parser.add_argument("--seconds", type=float, default=_PATIENCE, help=say("cli.try.seconds"))


def _opened(options: argparse.Namespace, source: Any) -> Fork:
    from k8sviz.fork import fork

    return fork(source, at=getattr(options, "at", None))


def _run_fork(options: argparse.Namespace) -> int:
    """Read lines and run them, or run those of -c; the exit code is the last one's."""
    source, _ = split(options)
    mine = _opened(options, source)
    code = 0
    for line in options.line or _typed(mine):
        shown = mine.kubectl(line)
        sys.stdout.write(visible(shown.stdout))
        sys.stderr.write(visible(shown.stderr))
        code = shown.exit_code
    return code


def _typed(mine: Fork) -> Any:
    """Lines from the terminal, or from what is piped in."""
    asks = sys.stdin.isatty()
    if asks:
        print(say("cli.fork.welcome", name=printable(mine.history.about.name), began=f"{mine.began:.0f}"))
    while True:
        try:
            line = input(f"{mine.now:.0f} s $ " if asks else "").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if line in _END:
            return
        if line:
            yield line


# -- try -------------------------------------------------------------------------------------------


def _run_try(options: argparse.Namespace) -> int:
    """Apply the files to a fork, wait, and tell: 0 when all comes to rest, 1 when something waits or is refused."""
    files = list(options.filename)
    if not files:
        raise K8svizError(say("cli.try.no-file"))
    options.filename = []
    source, _ = split(options)
    mine = _opened(options, source)
    mine.folder.update({Path(name).name: _read(name) for name in files})
    before = {_key(obj): obj for obj in mine.state}
    names = " ".join(f"-f {Path(name).name}" for name in files)
    applied = mine.kubectl(f"apply {names}")
    mine.cluster.settle(options.seconds)
    mine.wait(0.0)
    found = _told(mine, before, applied.exit_code, applied.stdout, applied.stderr)
    if options.output:
        from k8sviz.show import film_page

        Path(options.output).write_text(film_page(mine), encoding="utf-8")
    if options.json:
        print_json(found)
    else:
        _print(found)
    return int(bool(found["refused"] or found["troubles"]))


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise K8svizError(f"cannot read {name}: {error}") from None


def _key(obj: dict[str, Any]) -> str:
    meta = obj.get("metadata", {})
    return f"{obj.get('kind')}/{meta.get('namespace', '')}/{meta.get('name')}"


def _told(mine: Fork, before: dict[str, Any], code: int, out: str, err: str) -> dict[str, Any]:
    """What was refused, what is new, changed or gone, how long it took, and what waits or fails after it."""
    after = {_key(obj): obj for obj in mine.state}
    quiet = ("Event/", "Node/", "EndpointSlice/", "Namespace/", "ServiceAccount/")
    shown = [key for key in (*after, *(key for key in before if key not in after)) if not key.startswith(quiet)]
    changes = [
        {"object": key, "change": "created" if key not in before else "deleted" if key not in after else "changed"}
        for key in dict.fromkeys(shown)
        if before.get(key, {}).get("spec") != after.get(key, {}).get("spec") or (key in before) is not (key in after)
    ]
    troubles = [str(one).split("\n", 1)[0] for one in mine.troubles().troubles]
    return {
        "said": out.splitlines(),
        "refused": err.splitlines() if code else [],
        "changes": changes,
        "seconds": round(mine.now - mine.began, 1),
        "troubles": troubles,
    }


def _print(found: dict[str, Any]) -> None:
    for line in (*found["said"], *found["refused"]):
        print(printable(line))
    for one in found["changes"]:
        print(printable(f"  {one['change']:8} {one['object']}"))
    print(say("cli.try.rest", seconds=found["seconds"]))
    for line in found["troubles"]:
        print(printable(f"  {line}"))


COMMANDS: Final = {"fork": _fork, "try": _try}
