"""The packet: the one immutable unit that the memory substrate stores.

A packet checks its own limits when it is made, so whatever reaches a store is storable in every database. It must
never know where it is stored.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stack.app.memory.errors import InvalidPacket
from stack.telemetry.catalogue import SEGMENTS

MAX_PAYLOAD_BYTES = 64 * 1024
MAX_TAGS = 32
MAX_NAME = 128
