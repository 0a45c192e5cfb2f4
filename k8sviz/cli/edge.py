"""The edge of the command line: whatever goes wrong ends in one line that says what to do, never in a traceback."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from k8sviz.errors import K8svizError
from k8sviz.words import say

__all__ = ["FAULT", "guarded"]

FAULT: Final = 70
"""The exit code of a fault that is ours (EX_SOFTWARE)."""
_PACKAGE: Final = Path(__file__).resolve().parents[1]


def guarded(run: Callable[[], int | None], *, debug: bool = False) -> int:
    """Run a command, and tell in one line what ended it before its time. Returns the exit code.

    With `debug` a fault of ours is told with all that led to it. What a fault's message holds is not told otherwise:
    it may quote a value that must not be shown.
    """
    threading.excepthook = lambda caught: _tell_of_thread(caught, debug)
    try:
        code = run() or 0
        sys.stdout.flush()
    except K8svizError as error:
        _line(str(error))
        return 2
    except BrokenPipeError:  # the reader of a pipe has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except RecursionError as error:
        _line(say("cli.too-deep"))
        return _told(error, debug, 2)
    except MemoryError as error:
        _line(say("cli.no-memory"))
        return _told(error, debug, 2)
    except OSError as error:
        _line(say("cli.system", what=error.filename or "", why=error.strerror or type(error).__name__).lstrip(": "))
        return _told(error, debug, 2)
    except Exception as error:
        _line(say("cli.fault", kind=type(error).__name__, where=_where(error)))
        return _told(error, debug, FAULT)
    return code


def _tell_of_thread(caught: threading.ExceptHookArgs, debug: bool) -> None:
    """What a thread says that nobody waits for; the command itself goes on."""
    error = caught.exc_value
    if error is None or isinstance(error, SystemExit):
        return
    if isinstance(error, K8svizError):
        _line(str(error))
    else:
        _line(say("cli.fault", kind=type(error).__name__, where=_where(error)))
        _told(error, debug, FAULT)


def _line(text: str) -> None:
    try:
        print(f"k8sviz: {K8svizError(text)}", file=sys.stderr)
    except OSError:  # nobody reads it any more
        return


def _told(error: BaseException, debug: bool, code: int) -> int:
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    return code


def _where(error: BaseException) -> str:
    """The innermost place in this package, as file:line."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    for frame in reversed(ours):
        return f"{Path(frame.filename).relative_to(_PACKAGE)}:{frame.lineno}"
    return "outside k8sviz"
