"""One kind of sentence in which a product says what is wrong, with its cause and remedy. Pure."""

from __future__ import annotations

from msgspec import Struct


class Sentence(Struct, frozen=True):
    """One kind of sentence by its ``pattern``: what it means, and the remedy.

    In both, ``c`` is the case and ``m`` what the pattern has found. ``when``: a property of the case that must hold,
    where one sentence has several causes; the first that fits counts.
    """

    pattern: str
    cause: str
    remedy: str
    when: str = ""
