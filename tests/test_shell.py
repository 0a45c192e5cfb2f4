"""The shell: what labs type is read and run as a POSIX shell does it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence

import pytest

from k8sviz.shell import TOOLS, Answer, Shell


class Folder:
    """A World of files in memory."""

    def __init__(self) -> None:
        self.files = {"a.txt": "one\ntwo\nthree\n", "b.txt": "b\n"}
        self.slept = 0.0

    def run(self, argv: Sequence[str], stdin: str, env: Mapping[str, str]) -> Answer:
        tool = TOOLS.get(argv[0])
        return tool(argv[1:], stdin, self.read) if tool else Answer(127, "", f"sh: {argv[0]}: not found\n")

    def read(self, path: str) -> str:
        if path not in self.files:
            raise FileNotFoundError(2, "no such file", path)
        return self.files[path]

    def write(self, path: str, text: str) -> None:
        self.files[path] = text

    def match(self, pattern: str) -> list[str]:
        return sorted(name for name in self.files if pattern == "*" or name.endswith(pattern.lstrip("*")))

    def change_folder(self, path: str) -> None:
        raise FileNotFoundError(2, "no such folder", path)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


SCRIPTS = [
    "echo a b   'c  d' \"e $HOME_NOT_THERE f\"",
    "x=5; echo ${x}s \"$x\" '$x' \\$x",
    "x=$(echo 'one two'); for w in $x three; do echo \"<$w>\"; done",
    "echo one && false || echo two; false; echo $?",
    "true && echo yes; ! true || echo no",
    'printf "%s=%d\\n" a 1 b 2',
    "cat a.txt | grep -v two | wc -l",
    "cat a.txt | sort -r | head -2 | tail -1",
    "printf 'x y\\nz w\\n' | awk '{print $2, $1}'; printf 'x:y\\n' | cut -d: -f2",
    "echo hello | tr a-z A-Z | sed 's/L\\+/-/'",
    "for i in $(seq 0 5 20); do [ $i = 10 ] && break; echo ${i}s; done",
    "if [ -f a.txt ]; then echo there; elif true; then echo x; else echo gone; fi",
    '(x=1; echo $x); echo "[$x]"',
    "cat <<EOF\nis $((2 + 3 * 4))\nEOF\necho end",
    "cat <<'EOF'\nis $x\nEOF",
    "echo out > o.txt; echo more >> o.txt; cat o.txt; cat nothere 2>/dev/null; echo $?",
    "echo YmFyCg== | base64 -d; echo bar | base64",
    "i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done",
    'e=$(echo "a b"); echo "${e}s x=$e"; echo "$(echo "nested $(echo in)") q"',
    "echo 'a\nb' | grep -c .; echo abc | grep -q b && echo found",
    "f=kubia-v1.yaml; echo ${f%.yaml} ${f#kubia-} ${nope:-else} ${#f}",
    "echo 'b 2\na 1' | sort -k2 -n; echo 'a\na\nb' | uniq -c | sort -rn | head -1",
    "{ echo one; echo two; } | sort -r",
    "until true; do echo never; done; echo done",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_prints_what_a_real_shell_prints(script, tmp_path):
    world = Folder()
    answer = Shell(world).run(script)
    for name, text in Folder().files.items():
        (tmp_path / name).write_text(text)
    shell = shutil.which("sh")
    assert shell
    real = subprocess.run([shell, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.out.split() == real.stdout.split()
    assert answer.code == real.returncode


def test_time_passes_by_sleep_alone():
    world = Folder()
    Shell(world).run("sleep 2; sleep 1m; sleep 0.5")
    assert world.slept == 62.5


@pytest.mark.parametrize(
    "script", ["echo 'open", "for x in a; do echo", "a | | b", "$(echo", "( echo", "if true; fi x"]
)
def test_what_no_shell_reads_is_an_error_of_one_line(script):
    answer = Shell(Folder()).run(script)
    assert answer.code == 2
    assert answer.err.startswith("sh: ")
    assert answer.err.count("\n") == 1


def test_loops_without_end_are_stopped():
    answer = Shell(Folder()).run("while true; do echo x; done")
    assert "stopped" in answer.err
    assert answer.code == 2


def test_what_is_not_there_says_so():
    answer = Shell(Folder()).run("frobnicate; echo $?")
    assert (answer.out, answer.err) == ("127\n", "sh: frobnicate: not found\n")
