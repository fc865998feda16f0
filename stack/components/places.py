"""The folders of native files that people may fill, and under which names their files are rendered. Pure.

The products' include patterns know no sub-folders and one ending each. So a file's path becomes one name, which depends
on nothing but the path: Prometheus keeps the state of an alert under the path of its rule file.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from msgspec import Struct

OWN = "own/"
OWN_MARK = "~own+"
"""Begins the name of a file of the user's own: behind all others, so that an own template wins over a shipped one."""
NAME_BYTES = 200


class Place(Struct, frozen=True):
    """A folder below that of a component, such as ``rules/``, shipped and own alike, with all its sub-folders.

    ``suffixes``: what counts there. Files get the first of them, since it is what the products' patterns name.
    """

    folder: str
    suffixes: tuple[str, ...]

    def rendered(self, path: str, mark: str = "") -> str:
        """The path of a file whose path inside the folder is ``path``. Different files get different ones."""
        first = self.suffixes[0]
        name = "+".join(quote(part, safe="") for part in path.split("/"))
        if not name.endswith(first):  # an escaped dot, since "a.yaml.yml" is the name of another file
            stem, _, suffix = name.rpartition(".")
            name = f"{stem}%2E{suffix}{first}"
        name = f"{mark}{name}" if mark or name == path else f"+{name}"
        if len(name) > NAME_BYTES:
            digest = hashlib.sha256(name.encode()).hexdigest()[:16]
            name = f"{name[: NAME_BYTES // 2]}+{digest}{first}"
        return self.folder + name


NATIVE = (".yml", ".yaml", ".json")
SCRAPE_PLACE = Place("scrape/", NATIVE)
RULES_PLACE = Place("rules/", NATIVE)
