"""A lab's step as a terminal shows it: what it is about, the files, the command, and what came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from k8sviz.letters import visible
from k8sviz.views.assets import UNTYPESET
from k8sviz.words import say

__all__ = ["Session", "Terminal", "Told"]

_LONG: Final = 26  # lines of a file that are shown at once; a longer one is folded up
# Jupyter styles every <pre> and its own class wins, hence the !important
_STYLE: Final = (
    "div.kt{border:1px solid #8886;border-radius:8px;overflow:hidden;margin:4px 0 8px;max-width:1100px}"
    "div.kt pre{margin:0!important;padding:9px 14px!important;overflow-x:auto;font-size:12.5px!important;"
    "line-height:1.5!important;white-space:pre!important;border:0!important;"
    "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace!important}"
    "div.kt pre.kt-file{background:#8881!important}"
    "div.kt .kt-name{font:600 12px system-ui,sans-serif;padding:7px 14px 0;background:#8881}"
    "div.kt summary.kt-name{cursor:pointer;padding-bottom:7px}"
    "div.kt pre.kt-screen{background:#14171c!important;color:#e8ebef!important}"
    "div.kt .kt-cmd{color:#8fd0ff!important;font-weight:600}"
    "div.kt .kt-err{color:#ffb3a7!important;white-space:pre-wrap}"
    "div.kt .kt-about{font:14px/1.45 system-ui,sans-serif;padding:8px 14px}"
)


class Terminal:
    """One command with its files and its result; shows itself as HTML in a notebook, as plain text elsewhere."""

    def __init__(
        self,
        command: str,
        *,
        files: Mapping[str, str] | None = None,
        about: str = "",
        stdout: str = "",
        stderr: str = "",
        exit_code: int = 0,
        notes: Sequence[str] = (),
    ) -> None:
        self.command = command
        self.files = dict(files or {})
        self.about = about
        self.stdout = stdout
        self.stderr = stderr
        self.exit_code = exit_code
        self.notes = tuple(notes)

    def __str__(self) -> str:
        parts = [f"# {self.about}"] if self.about else []
        for name, text in self.files.items():
            parts += [f"$ cat {name}", text.rstrip("\n")]
        parts.append(self._prompt() + self.command)
        parts += [text.rstrip("\n") for text in (self.stdout, self.stderr) if text.strip()]
        if self.exit_code:
            parts.append(say("lab.exit-code", code=self.exit_code))
        return "\n".join(visible(part) for part in (*parts, *self.notes))

    def __repr__(self) -> str:
        return str(self)

    def _prompt(self) -> str:
        return "" if self.command.startswith("#") else "$ "

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.html()}

    def html(self) -> str:
        """The same as HTML, all of it escaped."""
        parts = [f"<style>{_STYLE}</style>", f'<div class="kt {UNTYPESET}">']
        if self.about:
            parts.append(f'<div class="kt-about">{_esc(self.about)}</div>')
        parts += [_file(name, text) for name, text in self.files.items()]
        lines = [f'<span class="kt-cmd">{_esc(self._prompt() + self.command)}</span>']
        if self.stdout.strip():
            lines.append(_esc(self.stdout.rstrip("\n")))
        if self.stderr.strip():
            lines.append(f'<span class="kt-err">{_esc(self.stderr.rstrip())}</span>')
        if self.exit_code:
            lines.append(f'<span class="kt-err">{_esc(say("lab.exit-code", code=self.exit_code))}</span>')
        lines += [_esc(note) for note in self.notes]
        label = escape(say("lab.screen"), quote=True)
        parts.append(f'<pre class="kt-screen" tabindex="0" aria-label="{label}">' + "\n".join(lines) + "</pre></div>")
        return "".join(parts)


class Session:
    """Several commands one after the other, as one terminal shows them."""

    def __init__(self, terminals: Sequence[Terminal]) -> None:
        self.terminals = tuple(terminals)

    def __str__(self) -> str:
        return "\n".join(map(str, self.terminals))

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": "".join(one.html() for one in self.terminals)}


class Told:
    """Something that says itself in lines of text (`words`, or its own), shown in a notebook as on a terminal."""

    def __init__(self, told: Any, words: str = "") -> None:
        self.told = told
        self.words = words or str(told)

    def __str__(self) -> str:
        return visible(self.words)

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        words = f'<pre class="kt-file" tabindex="0">{_esc(str(self))}</pre>'
        html = f'<style>{_STYLE}</style><div class="kt {UNTYPESET}">{words}</div>'
        return {"text/plain": str(self), "text/html": html}


def _esc(text: str) -> str:
    return escape(visible(text), quote=True)


def _file(name: str, text: str) -> str:
    body = f'<pre class="kt-file" tabindex="0">{_esc(text.rstrip())}</pre>'
    lines = text.count("\n") + 1
    if lines <= _LONG:
        return f'<div class="kt-name">{_esc(name)}</div>{body}'
    folded = _esc(say("lab.folded", name=name, lines=lines))
    return f'<details><summary class="kt-name">{folded}</summary>{body}</details>'
