"""The pages of the manual among each other, and against what the program says of itself."""

from __future__ import annotations

import re
import subprocess

import pytest

import messages
import pages
from harness.program import Builder

MANUAL = pages.manual()
OPTION = re.compile(r"--migrate-([a-z][a-z-]*)")


@pytest.fixture(scope="session")
def help_text(builder: Builder) -> str:
    app = builder.app({}, None, False)
    return subprocess.check_output([app, "--help"], text=True)


@pytest.fixture(scope="session")
def help_of_a_verb(builder: Builder) -> str:
    app = builder.app({}, None, False)
    return subprocess.check_output([app, "--help", "down"], text=True)


def names(text: str) -> set[str]:
    """The verbs and options of the help: one on each line, or many."""
    listed = re.findall(r"^  (--.*)$", text, re.MULTILINE)
    return {name for line in listed for name in re.findall(r"(?:^| )--([a-z-]+)", line)}


def statuses(text: str) -> set[str]:
    """The exit statuses of a verb's help: numbers, and 128+n."""
    section = text.split("\nexit status\n")[1]
    return set(re.findall(r"(?:^|  ) {2}(\d+(?:\+n)?) {2}(?=\w)", section, re.MULTILINE))


@pytest.mark.parametrize("page", MANUAL, ids=lambda page: str(page.path.relative_to(pages.TOP)))
def test_links_lead_somewhere(page: pages.Page) -> None:
    broken = []
    for link in page.links:
        if re.match(r"https?://", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        if not target.exists() or pages.TOP not in [target, *target.parents]:
            broken.append(link)
        elif fragment and (target.suffix != ".md" or fragment not in pages.load(target).anchors):
            broken.append(link)
    assert not broken, broken


@pytest.mark.parametrize("page", MANUAL, ids=lambda page: str(page.path.relative_to(pages.TOP)))
def test_anchors_are_unique(page: pages.Page) -> None:
    anchors = [pages.anchor(heading) for heading in page.headings]
    assert len(anchors) == len(set(anchors))


def test_every_page_is_in_the_index() -> None:
    index = pages.load(pages.DOCS / "README.md")
    assert set(index.links) >= {p.name for p in pages.DOCS.glob("*.md")} - {"README.md"}


def test_every_option_of_the_pages_is_in_the_help(help_text: str) -> None:
    known = names(help_text)
    for page in MANUAL:
        if page.path.name == "CHANGELOG.md":
            continue  # it names those that there were
        # Transcripts of mistakes are indented: the command line's page has some.
        text = re.sub(r"^    .*", "", page.text, flags=re.MULTILINE)
        assert set(OPTION.findall(text)) <= known, page.path


def test_every_option_that_a_message_names_is_in_the_help(help_text: str) -> None:
    """A hint must not send anybody to an option that is not there."""
    known = names(help_text)
    for source in messages.sources(pages.TOP):
        named = OPTION.findall(source.read_text())
        assert set(named) <= known, source.name


def test_exit_statuses(help_text: str, help_of_a_verb: str) -> None:
    known = statuses(help_of_a_verb)
    short = help_text.split("exit status: ")[1].replace("\n", " ")
    assert set(re.findall(r"(?:^|, +)(\d+(?:\+n)?) ", short)) == known
    assert known >= {"0", "1", "128+n"}
    wrong = pages.load(pages.DOCS / "when-it-goes-wrong.md")
    found = [re.match(r"Exit status (\d+)( \+ n)?", heading) for heading in wrong.headings]
    assert {m[1] + (m[2] or "").replace(" ", "") for m in found if m} == known
    line = pages.load(pages.DOCS / "command-line.md").prose
    rows = re.findall(r"^\| \[(\d+(?:\+n)?)\]\(when-it-goes-wrong.md#", line, re.MULTILINE)
    assert set(rows) == known


def test_statuses_in_prose_exist(help_of_a_verb: str) -> None:
    """ "exit status 4", "ends with 3"."""
    known = statuses(help_of_a_verb)
    for page in MANUAL:
        for number in re.findall(
            r"\b(?:status|ends with) (\d+)\b(?! ?\+)", page.prose.replace("\n", " ")
        ):
            assert number in known or int(number) > 128, f"{page.path}: {number}"
