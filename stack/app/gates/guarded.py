"""The gates as the application calls them: the same functions, each call one measured decision.

Members of an archive are decisions of filesystem_gate of their own. It must never decide anything itself.
"""

from __future__ import annotations

from functools import partial

from stack.app.gates import config, db_boundary, extraction, filesystem, storage, url
from stack.telemetry.gates import gate

check_config = gate("config_gate")(config.check_config)
check_url = gate("url_gate")(url.check_url)
check_path = gate("filesystem_gate")(filesystem.check_path)
extract = gate("extraction_gate")(partial(extraction.extract, check=check_path))
inspect = gate("extraction_gate")(partial(extraction.inspect, check=check_path))
check_write = gate("db_boundary_gate")(db_boundary.check_write)


class ContentStore(storage.ContentStore):
    """The content store with ``put`` measured as one decision."""

    put = gate("storage_gate")(storage.ContentStore.put)
