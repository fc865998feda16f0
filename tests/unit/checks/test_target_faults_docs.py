"""The page on troubleshooting has every fault of a target, in the words of the check."""

from __future__ import annotations

import re
from pathlib import Path

from stack.checks.sentence import Sentence
from stack.checks.target_sentences import SENTENCES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "troubleshooting.md"
WORDS = {
    "c.host": "HOST:PORT",
    "c.url": "URL",
    "c.path": "PATH",
    "c.at": "FILE:LINE",
    "c.who": "NAME",
    "c.logs": "the log of NAME",
    "c.job.timeout:g": "N",
    "c.job.network": "NETWORK",
    "m[0]": "...",
    "m[1]": "...",
    "m[2]": "...",
}


def in_words(template: str) -> str:
    """The template as the page has it: capital words for values."""
    text = re.sub(r"(?<!\{)\{([cm][^{}]*)\}(?!\})", lambda found: WORDS[found[1]], template)
    return text.replace("{{", "{").replace("}}", "}")


def row(sentence: Sentence) -> str:
    """The sentence's row of the table."""
    return f"| {in_words(sentence.cause)} | {in_words(sentence.remedy).removeprefix('FILE:LINE: ')} |"


def test_the_page_lists_every_fault_of_a_target() -> None:
    page = PAGE.read_text(encoding="utf-8")
    start = page.index("## A target is down")
    rows = [
        line for line in page[start : page.index("\n## ", start + 1)].splitlines() if line.startswith("| ")
    ]
    assert rows[1:] == [row(sentence) for sentence in SENTENCES]
