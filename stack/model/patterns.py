"""Which files a product loads by the patterns of its configuration, as Go's ``filepath.Glob`` reads them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from stack.common import yaml_edit as edit
from stack.common.go_templates import defined
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile


def loads(patterns: Iterable[str], path: str) -> bool:
    """Whether one of them loads the file, whose ``path`` is relative to the version in use.

    A wildcard stays within a folder; a pattern may begin with ``./`` or with the folder itself.
    """
    relative = (p.removeprefix("./").removeprefix(f"{CONFIG_ROOT}/{CURRENT}/") for p in patterns)
    return any(p.count("/") == path.count("/") and fnmatchcase(path, p) for p in relative)


def loaded_templates(main: bytes, files: Iterable[ConfigFile]) -> tuple[ConfigFile, ...]:
    """Those of ``files`` that the patterns of Alertmanager's main file load as templates of messages."""
    listed = edit.member(edit.compose(main.decode(errors="surrogateescape")), "templates")
    patterns = [edit.text_of(pattern) for pattern in edit.items(listed)]
    return tuple(file for file in files if loads(patterns, file.path))


def names_in(templates: Iterable[ConfigFile]) -> frozenset[str]:
    """The names that they define."""
    texts = (file.content.decode(errors="surrogateescape") for file in templates)
    return frozenset(name for text in texts for name in defined(text))


def last_part_matches(path: str, pattern: str) -> bool:
    """As Prometheus' own patterns of files: only the last part may have wildcards."""
    folder, _, name = path.rpartition("/")
    wanted_folder, _, wanted = pattern.rpartition("/")
    return folder == wanted_folder and fnmatchcase(name, wanted)
