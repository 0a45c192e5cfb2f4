"""Columns of text as Go's text/tabwriter aligns them: what kubectl prints goes through it.

A column is a run of neighbouring lines that have a cell there; a line's last cell belongs to no column.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["aligned", "table"]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of equal length as `kubectl get` prints them (printers.GetNewTabWriter: 6 wide, 3 apart).

    >>> print(table([["NAME", "AGE"], ["kubia-0", "5s"]]), end="")
    NAME      AGE
    kubia-0   5s
    """
    if not rows:
        return ""
    widths = [max(6, 3 + max(len(row[i]) for row in rows)) for i in range(len(rows[0]) - 1)]
    return "".join(
        "".join([cell.ljust(width) for cell, width in zip(row, widths, strict=False)]) + row[-1] + "\n" for row in rows
    )


def aligned(text: str, least: int = 0, padding: int = 2) -> str:
    """Lines of tab-terminated cells, aligned; as `kubectl describe` does it with the defaults.

    >>> print(aligned("Name:\\tkubia\\nNamespace:\\tdemo\\n"), end="")
    Name:       kubia
    Namespace:  demo
    """
    lines = [line.split("\t") for line in text.split("\n")]
    written = [""] * len(lines)
    _format(lines, written, 0, len(lines), [], (least, padding))
    return "\n".join(written)


def _format(
    lines: list[list[str]], written: list[str], first: int, end: int, widths: list[int], shape: tuple[int, int]
) -> None:
    """Align the lines from `first` to `end`, whose columns left of len(widths) are known."""
    column, this = len(widths), first
    while this < end:
        if column >= len(lines[this]) - 1:
            this += 1
            continue
        _write(lines, written, first, this, widths)
        first = this
        width = shape[0]
        while this < end and column < len(lines[this]) - 1:
            width = max(width, len(lines[this][column]) + shape[1])
            this += 1
        _format(lines, written, first, this, [*widths, width], shape)
        first = this
    _write(lines, written, first, end, widths)


def _write(lines: list[list[str]], written: list[str], first: int, end: int, widths: list[int]) -> None:
    for at in range(first, end):
        cells = lines[at]
        written[at] = "".join([cell.ljust(widths[i]) if i < len(widths) else cell for i, cell in enumerate(cells)])
