"""A recording is read exactly, or refused in one line that names the file and the line; never anything in between."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.history import About, Event, History, Result, Step, key_of
from k8sviz.sources.recording import FORMAT, RecordingError, Writer, _read, read, write

DATA = Path(__file__).resolve().parents[1] / "data" / "labs"
RECORDINGS = sorted(DATA.glob("*/recording.jsonl"))
HEADER = json.dumps({"format": FORMAT, "name": "a-lab", "title": "t", "namespace": "demo"}).encode()
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "demo", "uid": "u"}}


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def added(t: float = 1.0, **more: Any) -> bytes:
    return line(t=t, type="ADDED", object={**POD, **more})


END = line(t=9, type="END")


def recording(folder: Path, *lines: bytes, name: str = "some.jsonl", tail: bytes = b"\n") -> Path:
    path = folder / name
    path.write_bytes(b"\n".join((HEADER, *lines)) + tail)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        read(path)
    words = str(caught.value)
    assert "\n" not in words, f"an error is one line, not {words!r}"
    assert len(words) < 400, f"an error is one line that a person reads, not {len(words)} letters"
    return words


def alike(one: History, other: History) -> None:
    """Equal in all that a History says, its notes left out: they name the file."""
    assert one.about == other.about
    assert one.steps == other.steps
    assert one.end == other.end
    assert one.complete == other.complete
    assert list(one) == list(other)


# -- writing and reading -------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
TIMES = st.integers(0, 20_000).map(lambda ms: ms / 1000)
OBJECTS = st.builds(
    lambda kind, meta, rest: {**rest, "apiVersion": "v1", "kind": kind, "metadata": meta},
    st.sampled_from(["Pod", "Secret", "Widget"]),
    st.builds(
        lambda n, s, u, more: {**more, "name": n, "namespace": s, "uid": u},
        WORDS,
        WORDS,
        WORDS,
        st.dictionaries(WORDS, JSON, max_size=2),
    ),
    st.dictionaries(WORDS, JSON, max_size=3),
)
RESULTS = st.none() | st.builds(Result, TIMES, st.integers(0, 255), WORDS, WORDS)
STEPS = st.lists(
    st.builds(Step, TIMES, WORDS, WORDS, st.dictionaries(WORDS, WORDS, max_size=2), WORDS, RESULTS),
    max_size=4,
    unique_by=lambda step: step.id,
)
ABOUTS = st.builds(About, WORDS, WORDS, WORDS, WORDS, st.dictionaries(WORDS, WORDS, max_size=2), WORDS)


@given(
    ABOUTS,
    st.lists(st.tuples(TIMES, st.sampled_from(["ADDED", "MODIFIED", "DELETED"]), OBJECTS), max_size=8),
    STEPS,
    st.booleans(),
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, about: About, events: Any, steps: list[Step], complete: bool
) -> None:
    history = History(about)
    for t, change, obj in events:
        history.append(t, change, obj)
    for step in steps:  # a result may carry an earlier time than its step: clocks jitter
        history.begin_step(step)
        if step.result is not None:
            history.end_step(step.id, step.result)
    history.complete = complete
    path = tmp_path_factory.mktemp("written") / "x.jsonl"
    write(history, path)
    alike(read(path), history)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.parent.name)
def test_every_recording_reads_writes_and_reads_equal(path: Path, tmp_path: Path) -> None:
    history = read(path)
    assert history.complete
    assert not history.notes
    write(history, tmp_path / "again.jsonl")
    alike(read(tmp_path / "again.jsonl"), history)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.parent.name)
def test_a_recording_holds_what_its_lines_say(path: Path) -> None:
    """Read without the package's reader: every event, step and result is there, and nothing else is."""
    rows = [json.loads(row) for row in path.read_bytes().splitlines()]
    header, rows = rows[0], [r for _, r in sorted(enumerate(rows[1:]), key=lambda p: (p[1]["t"], p[0]))]
    history = read(path)
    assert history.about.name == header["name"] == path.parent.name
    assert history.about.started_at == header["startedAt"]
    assert history.about.server == header["server"]
    assert list(history) == [Event(r["t"], r["type"], r["object"]) for r in rows if "object" in r]
    results = {r["id"]: Result(r["t"], r["exitCode"], r["stdout"], r["stderr"]) for r in rows if r["type"] == "RESULT"}
    assert history.steps == tuple(
        Step(r["t"], r["id"], r["command"], r.get("files", {}), r.get("about", ""), results.get(r["id"]))
        for r in rows
        if r["type"] == "STEP"
    )
    assert history.end == max(r["t"] for r in rows)


def test_a_writer_loses_at_most_the_line_it_was_writing(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with path.open("wb") as file:
        writer = Writer(file, About(name="a-lab"))
        writer.event(0.5, "ADDED", POD)
        assert len(read(path)) == 1, "each line reaches the disk at once"
        assert not read(path).complete
    with path.open("wb") as file, pytest.raises(RuntimeError), Writer(file, About()) as writer:
        raise RuntimeError("the recorder broke")
    assert not read(path).complete, "an END line would claim that all of it was recorded"
    with path.open("wb") as file, Writer(file, About()) as writer:
        writer.event(1.25, "ADDED", POD)
    assert (read(path).complete, read(path).end) == (True, 1.25)


# -- a file that was cut -------------------------------------------------------------------------


def shortened(lab: str, size: int) -> bytes:
    """The first lines of a real recording, and its END, in about this many bytes; one of every type of line."""
    lines = (DATA / lab / "recording.jsonl").read_bytes().splitlines(keepends=True)
    chosen: list[bytes] = [lines[0]]
    types = set()
    for text in lines[1:]:
        kind = json.loads(text)["type"]
        if kind not in types or sum(map(len, chosen)) + len(text) < size:
            chosen.append(text)
            types.add(kind)
    return b"".join(chosen)


@pytest.mark.parametrize("lab", ["ch07-args-env", "ch06-emptydir"])
def test_a_recording_cut_at_any_byte_reads_to_its_last_whole_line(lab: str) -> None:
    whole = shortened(lab, 5000)
    assert "ü".encode() not in whole
    whole = whole.replace(b'"about":"', '"about":"卷 '.encode(), 1)  # a cut may fall into a letter
    rows = [json.loads(text) for text in whole.splitlines()]
    assert {r.get("type") for r in rows} >= {"ADDED", "STEP", "RESULT", "END"}
    assert _read(io.BytesIO(whole), "cut.jsonl").complete
    for cut in range(len(whole)):
        kept = whole[:cut]
        lines = kept.split(b"\n")
        known = len(lines) - 1  # lines that are there to their last byte; a missing line break loses nothing
        if known < len(rows) and lines[-1] and lines[-1] == whole.split(b"\n")[known]:
            known += 1
        if known == 0:
            with pytest.raises(RecordingError, match=r"^cut\.jsonl, line 1: not a k8sviz recording"):
                _read(io.BytesIO(kept), "cut.jsonl")
            continue
        history = _read(io.BytesIO(kept), "cut.jsonl")
        there = rows[1:known]
        assert len(history) == sum("object" in r for r in there), f"cut at byte {cut}"
        assert len(history.steps) == sum(r["type"] == "STEP" for r in there), f"cut at byte {cut}"
        assert history.complete == any(r["type"] == "END" for r in there), f"cut at byte {cut}"
        assert bool(history.notes) is not history.complete
        assert all("cut.jsonl is incomplete" in note for note in history.notes)


def test_a_cut_recording_says_which_line_and_how_far_it_reads(tmp_path: Path) -> None:
    path = recording(tmp_path, added(2.5), b'{"t": 3.0, "type": "ADD', tail=b"")
    assert read(path).notes == ["some.jsonl is incomplete (line 3 is cut off): it is read up to 2.5 s"]
    path = recording(tmp_path, added(2.5))
    assert read(path).notes == ["some.jsonl is incomplete (its END line is missing): it is read up to 2.5 s"]
    assert read(path).at().notes == read(path).notes, "every picture of it says so too"


def test_a_tail_of_nothing_after_a_crash_counts_as_cut(tmp_path: Path) -> None:
    history = read(recording(tmp_path, added(), b"\0" * 4096, tail=b""))
    assert (len(history), history.complete) == (1, False)


# -- files that are no recordings ----------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\xff\xfe\x00",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"kind: Pod\n",
        b"[]\n",
        b"7\n",
        b"null\n",
        b"{}\n",
        b'{"format": 7}\n',
        b'"k8sviz.recording/v1"\n',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\0" * 3_000_000,
        b'{"apiVersion": "v1", "kind": "List", "items": []}\n',
        b'{"format": "' + b"x" * 2_000_000,
    ],
    ids=lambda content: repr(content[:24]),
)
def test_what_is_no_recording_is_told_so(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes(content)
    assert refusal(path).startswith("odd.jsonl, line 1: not a k8sviz recording")


def test_another_format_and_a_newer_version_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"format": "har/1.2"}\n')
    assert "format 'har/1.2' is not a k8sviz recording" in refusal(path)
    newer = {"format": "k8sviz.recording/v2", "name": ["v2", "may have lists here"], "server": 5}
    path.write_bytes(json.dumps(newer).encode() + b"\n")
    words = refusal(path)
    assert "'k8sviz.recording/v2' is not known to this version, which reads 'k8sviz.recording/v1'" in words
    assert "pip install -U" in words, "it says what to do"


def test_a_header_of_the_wrong_shape_says_where(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(json.dumps({"format": FORMAT, "server": {"gitVersion": 1}}).encode() + b"\n")
    assert re.match(r"x.jsonl, line 1: .*\$\.server", refusal(path))


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.jsonl")
    assert "directory" in refusal(tmp_path)
    assert "cannot read" in refusal(Path("a\0b.jsonl"))
    odd = tmp_path / "two\nlines.jsonl"
    odd.write_bytes(b"")
    assert "two lines.jsonl" in refusal(odd)


DEEP = b"[" * 100_000 + b"]" * 100_000
BROKEN = {
    "no JSON": (b"hello", "not JSON"),
    "half": (b'{"t": 1, "type": "ADDED"', "not JSON"),
    "two objects": (added() + added(), "not JSON"),
    "a list": (b"[1, 2]", "not a recording's line"),
    "no type": (b'{"t": 1}', "`type`"),
    "no time": (b'{"type": "END"}', "`t`"),
    "time is text": (b'{"t": "1", "type": "END"}', r"\$\.t"),
    "time too large": (b'{"t": 1e999, "type": "END"}', r"\$\.t"),
    "time is null": (b'{"t": null, "type": "END"}', r"\$\.t"),
    "unknown type": (line(t=1, type="ADDDED", object=POD), "unknown type 'ADDDED'; did you mean ADDED"),
    "endless type": (line(t=1, type="A" * 1_000_000), "unknown type 'AAA"),
    "no object": (line(t=1, type="ADDED"), "ADDED line without an object"),
    "object is text": (line(t=1, type="ADDED", object="Pod"), r"\$\.object"),
    "no kind": (line(t=1, type="ADDED", object={"metadata": {}}), "`kind`"),
    "no metadata": (line(t=1, type="ADDED", object={"kind": "Pod"}), "`metadata`"),
    "name is a number": (line(t=1, type="ADDED", object={"kind": "Pod", "metadata": {"name": 7}}), "name"),
    "files is a list": (line(t=1, type="STEP", id="a", command="b", files=["c"]), r"\$\.files"),
    "result of nothing": (line(t=1, type="RESULT", id="never"), "'never', which never began"),
    "exit code is text": (line(t=1, type="RESULT", id="a", exitCode="0"), "exitCode"),
    "end in the middle": (END + b"\n" + added(), "line 4: nothing may follow the END line"),
    "NUL in a text": (b'{"t": 1, "type": "EN\0D"}', "not JSON"),
    "NUL bytes": (b"\0\0\0\0", "not JSON"),
    "bytes that are no text": (b'{"t": 1, "type": "\xff"}', "not JSON"),
    "deep": (DEEP, "nested too deeply|not a recording's line"),
    "deep in a field that is not looked at": (b'{"t": 1, "type": "END", "x": ' + DEEP + b"}", "nested too deeply"),
}


@pytest.mark.parametrize(("broken", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_line_is_refused_by_its_number(broken: bytes, words: str, tmp_path: Path) -> None:
    refused = refusal(recording(tmp_path, added(), broken, END))
    assert re.match(r"some\.jsonl, line [34]: ", refused), refused
    assert re.search(words, refused), refused
    assert not refused.endswith(": "), "it says what is wrong"


INSIDE = {
    "no value": b"",
    "a bare word": b"tru",
    "an unfinished text": b'"abc',
    "a comma too many": b"[1,]",
    "a key without quotes": b"{a: 1}",
    "a colon missing": b'{"a" 1}',
    "an unknown escape": b'"\\q"',
    "half an escape": b'"\\u12"',
    "half a pair": b'"\\ud800"',
    "a control letter": b'"\x01"',
    "NUL": b'"\0"',
    "bytes that are no text": b'"\xff"',
    "a key that is no text": b'{"\xff": 1}',
    "an overlong letter": b'"\xc0\x80"',
    "a surrogate's bytes": b'"\xed\xa0\x80"',
    "a number like 01": b"01",
    "NaN": b"NaN",
    "deep": DEEP,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("value", INSIDE.values(), ids=INSIDE)
@pytest.mark.parametrize("last", [False, True], ids=["in the middle", "in the last line"])
def test_an_object_that_is_broken_inside_fails_at_reading_not_later(value: bytes, last: bool, tmp_path: Path) -> None:
    """Objects are parsed when somebody looks at them; that must not put an error off until then."""
    row = b'{"t": 1, "type": "ADDED", "object": {"kind": "Pod", "metadata": {"name": "a"}, "spec": %b}}' % value
    path = recording(tmp_path, added(), row, *([] if last else [END]))
    assert refusal(path).startswith("some.jsonl, line 3: ")


@given(data=st.data())
def test_a_line_that_reading_accepts_can_be_looked_at(data: st.DataObject) -> None:
    """Whatever byte of a line is changed: it is refused at once, or the object is there and is what the fold took."""
    row = bytearray(added(spec={"n": [1, 2.5e3, -0, True, None], "s": "卷 \\u00e9 \\ud83d\\ude00"}))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(row) - 1))
        row[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3).filter(lambda b: b"\n" not in b))
    file = io.BytesIO(b"\n".join((HEADER, bytes(row), END, b"")))
    try:
        history = _read(file, "some.jsonl")
    except RecordingError as error:
        refused = str(error)
    else:
        refused = ""
        assert history.complete
    assert not refused or refused.startswith("some.jsonl, line 2: ")
    for key in () if refused else history._keys:
        assert [key_of(event.object) for event in history.versions(key.kind, key.name, key.namespace)] == [key]


def test_numbers_that_no_float_holds_do_not_wait_as_an_error(tmp_path: Path) -> None:
    huge = b'{"t": 1, "type": "ADDED", "object": {"kind": "A", "metadata": {}, "n": [1e999, %b]}}' % (b"1" * 5000)
    (thing,) = read(recording(tmp_path, huge, END)).at().objects()
    assert thing["n"] == [float("inf"), float("inf")]


def test_a_line_of_a_megabyte_and_one_with_other_line_ends_are_read(tmp_path: Path) -> None:
    history = read(recording(tmp_path, added(data="x" * 1_000_000), b"", added(2.0), b"  ", END, tail=b"\r\n\r\n"))
    assert history.complete
    assert [len(event.object.get("data", "")) for event in history] == [1_000_000, 0]
    windows = recording(tmp_path, added(), END)
    windows.write_bytes(windows.read_bytes().replace(b"\n", b"\r\n"))
    assert read(windows).complete, "git may have changed the line ends"


def test_fields_of_a_later_minor_version_are_passed_over(tmp_path: Path) -> None:
    history = read(recording(tmp_path, line(t=1, type="ADDED", object=POD, later={"x": [1]}), END))
    assert history.at().objects() == [POD]


def test_lines_out_of_order_are_sorted_by_time_then_line(tmp_path: Path) -> None:
    rows = [added(2.0, n=1), added(1.0, n=2), added(2.0, n=3), added(0.5, n=4)]
    history = read(recording(tmp_path, *rows, END))
    assert [(e.t, e.object["n"]) for e in history] == [(0.5, 4), (1.0, 2), (2.0, 1), (2.0, 3)]
