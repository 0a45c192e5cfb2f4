"""The commands that need a cluster, or make recordings fit to be shown: watch, record, redact."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, Final

from k8sviz.cli.common import AddCommand, cluster_arguments, command, is_ref
from k8sviz.cli.screen import steer
from k8sviz.errors import K8svizError
from k8sviz.stories import STORIES

__all__ = ["COMMANDS"]

_HOME, _REST, _LINE = "\x1b[H", "\x1b[J", "\x1b[K"
_SCREEN, _BACK = "\x1b[?1049h", "\x1b[?1049l"


def _watch_command(commands: Any) -> None:
    parser = command(commands, "watch", _watch, "draw a story of a live cluster as text, anew at each change")
    parser.add_argument("story", metavar="STORY", help=f"one of: {', '.join(STORIES)}")
    parser.add_argument("words", nargs="*", metavar="KIND/NAME", help="only what hangs together with this object")
    cluster_arguments(parser)
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="end by itself after so long")


def _watch(options: argparse.Namespace) -> None:
    from k8sviz.render.picture import render
    from k8sviz.show import told
    from k8sviz.sources.opening import follower
    from k8sviz.views.follow import diagrams

    if len(options.words) > 1 or not all(map(is_ref, options.words)):
        raise K8svizError(f"watch takes one KIND/NAME at most, not {' '.join(options.words)}")
    what = options.words[0] if options.words else None
    in_place = sys.stdout.isatty()
    with follower(options.namespace, options.context) as following:
        try:
            steer(sys.stdout, _SCREEN)
            pictures = diagrams(following, lambda history: told(options.story, history, what), seconds=options.seconds)
            for diagram, trouble in pictures:
                text = str(render(diagram, "text")) + (f"\n{trouble}" if trouble else "")
                _show(text, in_place, following.now())
        except KeyboardInterrupt:  # the way to end it
            pass
        finally:
            steer(sys.stdout, _BACK)


def _show(text: str, in_place: bool, seconds: float) -> None:
    if in_place:
        columns, rows = shutil.get_terminal_size()
        lines = [line[:columns] for line in text.splitlines()][: rows - 1]
        steer(sys.stdout, _HOME)
        for line in lines:
            sys.stdout.write(line)
            steer(sys.stdout, f"{_LINE}\n")
        steer(sys.stdout, _REST)
    else:
        sys.stdout.write(f"--- {seconds:.1f} s\n{text}\n")
    sys.stdout.flush()


def _record_command(commands: Any) -> None:
    parser = command(commands, "record", _record, "record a lab that is run on a cluster, or a namespace as it changes")
    parser.add_argument("lab", nargs="?", metavar="LAB", help="a lab (see `k8sviz labs`): it is run, and cleaned up")
    parser.add_argument("--all", action="store_true", help="every lab, each into its own file in the folder -o")
    cluster_arguments(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write (.jsonl)")
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="end by itself (a namespace)")
    parser.add_argument(
        "--values",
        action="store_true",
        help="a namespace: keep all values but those of Secrets; else each value (of ConfigMaps, variables, arguments,"
        " annotations, messages) becomes a token of its length, which cannot be read back",
    )
    parser.add_argument("--keep-secrets", action="store_true", help="keep all values, those of Secrets, too")
    parser.add_argument("--yes", action="store_true", help="this cluster is meant, though it is not on this machine")


def _progress(line: str) -> None:
    columns = shutil.get_terminal_size().columns
    if sys.stderr.isatty():
        steer(sys.stderr, "\r")
        sys.stderr.write(line[: columns - 1])
        steer(sys.stderr, _LINE)
        sys.stderr.flush()


def _record(options: argparse.Namespace) -> None:
    chosen = [bool(options.lab), options.all, bool(options.namespace)]
    if sum(chosen) != 1:
        raise K8svizError("record what? Give one of: a LAB, --all, or --namespace NS")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended by a machine as by a person: what came is kept
    try:
        if options.namespace:
            _record_namespace(options)
        else:
            _record_labs(options)
    except OSError as error:
        raise K8svizError(f"cannot write {options.output}: {error.strerror or error}") from None


def _record_namespace(options: argparse.Namespace) -> None:
    from k8sviz.sources.live import connect
    from k8sviz.sources.record import record_namespace

    cluster = connect(options.context or os.environ.get("K8SVIZ_CONTEXT") or None)
    notes: list[str] = []
    changes = record_namespace(
        cluster,
        options.namespace,
        Path(options.output),
        progress=_progress,
        seconds=options.seconds,
        values=options.values,
        secrets=options.keep_secrets,
        tell=notes.append,
    )
    _wrote(f"wrote {options.output}: {changes} changes")
    for note in notes:
        print(f"  {note}", file=sys.stderr)


def _wrote(line: str) -> None:
    steer(sys.stderr, "\r" + _LINE)
    print(line, file=sys.stderr)


def _record_labs(options: argparse.Namespace) -> None:
    from k8sviz.sources.labs import lab_names
    from k8sviz.sources.record import record_lab

    names = lab_names() if options.all else [options.lab]
    folder = Path(options.output)
    if options.all:
        folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / f"{name}.jsonl" if options.all else folder
        notes = record_lab(
            name, path, progress=_progress, context=options.context, yes=options.yes, secrets=options.keep_secrets
        )
        _wrote(f"wrote {path}")
        for note in notes:
            print(f"  {note}", file=sys.stderr)


def _redact_command(commands: Any) -> None:
    parser = command(commands, "redact", _redact, "write a recording anew without the values of Secrets")
    parser.add_argument("file", metavar="FILE", help="a recording")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="where to write")
    parser.add_argument("--tokens", action="store_true", help="a token for every value, as in a recorded namespace")


def _redact(options: argparse.Namespace) -> None:
    from k8sviz.sources.record import redact_file

    redact_file(options.file, options.output, tokens=options.tokens)
    _wrote(f"wrote {options.output}")


COMMANDS: Final[dict[str, AddCommand]] = {"watch": _watch_command, "record": _record_command, "redact": _redact_command}
