"""What the database tests keep from one run to the next is never what is not asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "db"))

from harness import kept  # noqa: E402
from harness.kept import Kept  # noqa: E402


def write(text: str) -> Callable[[Path], None]:
    def make(directory: Path) -> None:
        (directory / "text").write_text(text)

    return make


def fail(_: Path) -> None:
    raise ValueError


def read(home: Path, made_with: str, text: str) -> str:
    """What `text` gives where it is kept as "key": itself where it is made now."""
    opened = Kept(home, made_with)
    try:
        return (opened.get("key", write(text)) / "text").read_text()
    finally:
        opened.close()


def test_it_is_made_once(tmp_path: Path) -> None:
    assert [read(tmp_path, "one", text) for text in ("first", "second")] == ["first", "first"]


def test_what_was_made_with_something_else_goes(tmp_path: Path) -> None:
    told = [read(tmp_path, made_with, made_with) for made_with in ("one", "two", "one")]
    assert told == ["one", "two", "one"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "one"]


def test_what_is_in_use_stays(tmp_path: Path) -> None:
    first = Kept(tmp_path, "one")
    there = first.get("key", write("first"))
    assert read(tmp_path, "two", "second") == "second"
    assert (there / "text").read_text() == "first"
    first.close()


def test_what_could_not_be_made_is_made_again(tmp_path: Path) -> None:
    opened = Kept(tmp_path, "one")
    with pytest.raises(ValueError):
        opened.get("key", fail)
    assert (opened.get("key", write("made")) / "text").read_text() == "made"
    opened.close()
    assert read(tmp_path, "one", "again") == "made"
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["key"]


def test_the_faster_of_two_wins(tmp_path: Path) -> None:
    opened = Kept(tmp_path, "one")

    def slow(directory: Path) -> None:
        opened.get("key", write("fast"))
        write("slow")(directory)

    assert (opened.get("key", slow) / "text").read_text() == "fast"
    opened.close()


def test_it_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 0)
    assert [read(tmp_path, "one", text) for text in ("first", "second")] == ["first", "second"]
