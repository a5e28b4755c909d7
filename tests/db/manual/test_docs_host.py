"""docs/in-your-host.md: what it shows is in the examples, which test_examples.py builds."""

from __future__ import annotations

import pages

PAGE = pages.load(pages.DOCS / "in-your-host.md")
EXAMPLES = pages.TOP / "examples"


def test_every_block_is_in_its_example() -> None:
    assert len(PAGE.blocks) > 5
    for block in PAGE.blocks:
        assert block.text in (EXAMPLES / block.name).read_text(), block.text


def test_it_is_short() -> None:
    assert len(PAGE.text.splitlines()) <= 130
