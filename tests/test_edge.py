"""The command line's edge: nothing steers the terminal, and nobody sees a traceback."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import threading

import pytest

from k8sviz import cli
from k8sviz.cli import edge
from k8sviz.cli.screen import screens, steer
from k8sviz.errors import K8svizError
from k8sviz.letters import json_text, on_screen, printable

SECRET = "hunter2marker"
STEERING = [
    "\x1b",
    "\x07",
    "\r",
    "\x00",
    "\x7f",
    "\x9b",
    "\u202e",
    "\u2066",
    "\u200b",
    "\u3164",
    "\ufeff",
    "\u2028",
    "\ud800",
]


@pytest.mark.parametrize("letter", STEERING, ids=lambda letter: f"U+{ord(letter):04X}")
def test_a_letter_that_steers_or_hides_reaches_no_terminal_and_survives_in_json(letter: str) -> None:
    assert letter not in on_screen(f"a{letter}b")
    assert letter not in printable(f"a{letter}b")
    written = json_text({f"k{letter}": [f"a{letter}b"]})
    assert letter not in written
    assert json.loads(written) == {f"k{letter}": [f"a{letter}b"]}


@pytest.mark.parametrize("text", ["héllo 中文 ✓ → 😀 ❤️", "tab\tand\nline", "e\u0301", "a\u3000b"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert on_screen(text) == text


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (K8svizError(f"no pod\n\x1b[2J{SECRET}"), 2, "no pod"),
        (ValueError(SECRET), edge.FAULT, "a fault of k8sviz (ValueError in "),
        (KeyError(f"\x1b[2J{SECRET}"), edge.FAULT, "KeyError"),
        (RecursionError(), 2, "nested too deeply"),
        (MemoryError(), 2, "no memory left"),
        (OSError(errno.ENOSPC, "No space left on device", "out.svg"), 2, "out.svg: No space left on device"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), edge.FAULT, "UnicodeDecodeError"),
        (AssertionError(), edge.FAULT, "AssertionError"),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_whatever_ends_a_command_is_told_in_one_line(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> None:
        raise error

    assert edge.guarded(run) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == bool(said)
    assert "Traceback" not in told
    assert "\x1b" not in told
    assert SECRET not in told or isinstance(error, K8svizError)


def test_with_debug_a_fault_shows_where_it_happened(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> None:
        raise ValueError("why")

    assert edge.guarded(run, debug=True) == edge.FAULT
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_in_a_thread_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> None:
        thread = threading.Thread(target=lambda: json.loads(SECRET))
        thread.start()
        thread.join()

    assert edge.guarded(run) == 0
    told = capsys.readouterr().err
    assert "a fault of k8sviz (JSONDecodeError in " in told
    assert told.count("\n") == 1
    assert SECRET not in told


def test_only_our_own_sequences_steer_a_terminal_and_only_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, steered in ((Tty(), "\x1b[H"), (io.StringIO(), "")):
        monkeypatch.setattr(sys, "stdout", stream)
        with screens():
            steer(sys.stdout, "\x1b[H")
            print("\x1b[2J")
        assert stream.getvalue() == f"{steered}\ufffd[2J\n"
        assert sys.stdout is stream


def test_a_reader_who_has_had_enough_ends_a_command_quietly() -> None:
    command = [sys.executable, "-m", "k8sviz", "labs", "--json"]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert done.stderr == ""


def test_an_error_of_the_arguments_shows_what_hides(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["draw", "overview", "--format\x1b[2J\u202e"])
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert "\u202e" not in told
