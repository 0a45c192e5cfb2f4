"""Against a server that means harm nothing hangs, nothing fills the memory, and Ctrl-C ends it at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from k8sviz.errors import K8svizError
from k8sviz.sources.opening import live_source
from tests.hostile_server import MODES, Hostile, kubeconfig

ROOT = Path(__file__).parents[1]
MIB = 1024 * 1024
# how a picture of the cluster ends: words of the error, or '' where there is a picture
PICTURES = {
    "endless_list": "answers are over",
    "endless_pages": "does not end",
    "endless_full_pages": "does not end",
    "endless_line": "",
    "slow_drip": "has not answered within",
    "slow_head": "has not answered within",
    "silent": "has not answered within",
    "busy": "(429)",
    "failing": "the server failed (500): etcd",
    "failing_for_one_kind": "the server failed (502)",
    "wrong_json": "not JSON",
    "wrong_types": "",
    "huge_object": "answers are over",
    "many_values": "",
    "redirecting": "elsewhere (307)",
    "wrong_content_type": "not JSON",
    "closed": "cannot reach",
    "half_closed": "",
    "gzip_bomb": "compressed (gzip)",
    "deep_json": "not JSON",
    "wrong_kinds": "",
    "duplicates": "",
    "flood": "",
    "going_back": "",
    "gone_for_ever": "too old",
    "gone_watches": "",
    "hostile_strings": "",
    "garbled_chunks": "",
}
MAY_FAIL = {"many_values", "half_closed", "garbled_chunks", "wrong_types"}
QUICK = ("endless_pages", "slow_head", "busy", "failing", "redirecting", "gzip_bomb", "deep_json", "wrong_types")


def environment(folder: Path, hostile: Hostile, timeout: str) -> dict[str, str]:
    found = {key: value for key, value in os.environ.items() if not key.startswith(("K8SVIZ_", "KUBE"))}
    return {**found, "KUBECONFIG": kubeconfig(folder / "config", hostile.address), "K8SVIZ_TIMEOUT": timeout}


def k8sviz(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "k8sviz", *arguments]


def peak(process: subprocess.Popen[str]) -> int:
    """The most memory that a process has had, in bytes; 0 where the system does not tell."""
    try:
        rows = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return max((int(row.split()[1]) * 1024 for row in rows if row.startswith("VmHWM")), default=0)


def watched(process: subprocess.Popen[str], seconds: float) -> int:
    """Wait for the end; the most memory on the way. Fails when the time is over."""
    most, end = 0, time.monotonic() + seconds
    while process.poll() is None:
        most = max(most, peak(process))
        if time.monotonic() > end:
            process.kill()
            pytest.fail(f"still running after {seconds} s")
        time.sleep(0.02)
    return most


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("K8SVIZ_TIMEOUT", "1.5")
    return monkeypatch


@pytest.mark.parametrize("mode", QUICK)
def test_a_hostile_server_is_told_in_one_line(mode: str, quick: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Hostile(mode) as hostile:
        quick.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", hostile.address))
        began = time.monotonic()
        error = error_of(live_source)
        assert time.monotonic() - began < 10
    assert "\n" not in error
    assert right_end(mode, error), error


def error_of(ask: Callable[[], object]) -> str:
    """What an error says; '' where there is none."""
    try:
        ask()
    except K8svizError as error:
        return str(error)
    return ""


def right_end(mode: str, told: str) -> bool:
    """Whether a mode ends in the picture or error that it should; a busy machine may take longer than it has."""
    if mode in MAY_FAIL and not told:
        return True
    return (
        PICTURES[mode] in told and (bool(PICTURES[mode]) or mode in MAY_FAIL or not told)
    ) or "answered within" in told


def test_credentials_are_not_sent_to_where_a_server_sends_us(quick: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Hostile("redirecting") as hostile:
        quick.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", hostile.address))
        with pytest.raises(K8svizError, match="does not follow"):
            live_source()
        assert not hostile.server.followed  # type: ignore[attr-defined]


def test_what_does_not_fit_is_kept_out_of_a_recording_and_noted(tmp_path: Path) -> None:
    with Hostile("wrong_kinds") as hostile:
        out = tmp_path / "out.jsonl"
        command = k8sviz("record", "-n", "demo", "-o", str(out), "--for", "1.5")
        done = subprocess.run(
            command, env=environment(tmp_path, hostile, "3"), capture_output=True, text=True, cwd=ROOT, timeout=30
        )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "× Pod" in done.stderr
    from k8sviz.sources.recording import read

    history = read(out)
    assert history.complete
    assert {ref.name for ref in history.refs("Pod")} == {"p1", "fits"}


def test_ctrl_c_ends_the_wait_for_a_silent_server_at_once(tmp_path: Path) -> None:
    with Hostile("silent") as hostile:
        ended_within(1.0, k8sviz("draw", "overview", "-n", "demo"), environment(tmp_path, hostile, "60"))


def ended_within(seconds: float, command: list[str], env: dict[str, str]) -> None:
    process = subprocess.Popen(
        command,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        # a shell that runs the tests in the background has them, and so their children, ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        time.sleep(2.5)  # it has begun to wait, or is done
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            began = time.monotonic()
            process.wait(timeout=seconds + 4)
            # starting and ending a process on a busy machine takes its time, too
            assert time.monotonic() - began < seconds + 1
        _, told = process.communicate(timeout=5)
    finally:
        process.kill()
    assert "Traceback" not in told, told


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_no_mode_hangs_a_picture_or_fills_the_memory(mode: str, tmp_path: Path) -> None:
    with Hostile(mode) as hostile:
        env = environment(tmp_path, hostile, "6")
        process = subprocess.Popen(
            k8sviz("draw", "overview", "-n", "demo"),
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        most = watched(process, 20)
        out, told = process.communicate()
    assert "Traceback" not in told, told
    assert told.count("\n") <= 1, told
    assert not set(out + told) & set("\x1b\x07\u202e\x00\r")
    assert process.returncode in (0, 2)
    assert right_end(mode, told if process.returncode else ""), told
    assert most < 300 * MIB


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_no_mode_hangs_a_recording_or_loses_what_it_had(mode: str, tmp_path: Path) -> None:
    with Hostile(mode) as hostile:
        out = tmp_path / "out.jsonl"
        process = subprocess.Popen(
            k8sviz("record", "-n", "demo", "-o", str(out), "--for", "5"),
            env=environment(tmp_path, hostile, "6"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        most = watched(process, 30)
        _, told = process.communicate()
    assert "Traceback" not in told, told
    assert "a fault of k8sviz" not in told, told
    assert most < 300 * MIB
    if process.returncode == 0:
        from k8sviz.sources.recording import read

        assert read(out).complete


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_ctrl_c_ends_every_mode(mode: str, tmp_path: Path) -> None:
    with Hostile(mode) as hostile:
        command = k8sviz("record", "-n", "demo", "-o", str(tmp_path / "out.jsonl"))
        ended_within(1.0, command, environment(tmp_path, hostile, "60"))


def test_odd_certificates_and_handshakes_are_one_line(quick: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Hostile("silent") as hostile:  # no TLS at all behind https
        quick.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", hostile.address.replace("http:", "https:")))
        with pytest.raises(K8svizError, match=r"cannot reach|has not answered"):
            live_source()
    listener = socket.create_server(("127.0.0.1", 0))
    quick.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", f"https://127.0.0.1:{listener.getsockname()[1]}"))
    taken: list[socket.socket] = []
    threading.Thread(target=lambda: taken.append(listener.accept()[0]), daemon=True).start()
    began = time.monotonic()
    with listener, pytest.raises(K8svizError, match=r"cannot reach|has not answered"):
        live_source()
    assert time.monotonic() - began < 8
    for each in taken:
        each.close()
