"""Every file that a person asks for is written here: whole or not at all, and only where it was asked for.

It is written under a random name beside its place and then put there, so that nobody reads half of it, a failure leaves
the old file, and a link at its place is replaced rather than followed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from k8sviz.errors import K8svizError

__all__ = ["replacing", "save"]


def save(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write a file; text as UTF-8 with line ends as they are. Returns its path. Raises K8svizError."""
    with replacing(path) as file:
        file.write(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
    return Path(path)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, private: bool = False) -> Iterator[IO[bytes]]:
    """A file that takes its place when all of it is written; with `private` only its owner may read it.

    Raises K8svizError when it cannot be written, or something is there that is no file.
    """
    target = Path(path)
    part = target.with_name(f".{target.name[:80]}.{secrets.token_hex(8)}.part")
    try:
        _refuse_special(target)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(part, flags, 0o600 if private else 0o666), "wb")
    except (OSError, ValueError) as error:
        raise _cannot(target, error) from None
    try:
        with file:
            yield file
        _replace(part, target)
    except OSError as error:
        raise _cannot(target, error) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _refuse_special(target: Path) -> None:
    """A pipe or device is nobody's file: replacing it would take it away from all who use it."""
    with contextlib.suppress(FileNotFoundError):
        found = target.stat()  # where a link leads
        if not stat.S_ISREG(found.st_mode):
            what = "a folder" if stat.S_ISDIR(found.st_mode) else "no file"
            raise K8svizError(f"cannot write {target}: it is {what}; name another, or leave -o away to print")


def _replace(part: Path, target: Path) -> None:
    for _ in range(20):  # Windows refuses to replace a file that somebody reads at that moment
        try:
            part.replace(target)
            return
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(0.05)
    part.replace(target)


def _cannot(target: Path, error: Exception) -> K8svizError:
    return K8svizError(f"cannot write {target}: {getattr(error, 'strerror', None) or error}")
