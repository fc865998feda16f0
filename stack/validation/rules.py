"""What the checking of files wants to know of components."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from stack.model.spec import ConfigFile


class FileRules(Protocol):
    """What a component brings to the checking of its files."""

    @property
    def tool(self) -> tuple[str, ...]:
        """The command that judges them in a container of its image; empty where there is none."""

    @property
    def tool_words(self) -> Callable[[tuple[ConfigFile, ...]], tuple[str, ...]]:
        """What the command is told of these files besides."""

    @property
    def check_files(self) -> Callable[[tuple[ConfigFile, ...]], None]:
        """Rules of ours; ``ConfigurationInvalid`` names the file and the remedy."""


Rules = Mapping[str, FileRules]
