"""How a query of Loki is known from one of Prometheus. Pure."""

from __future__ import annotations

import re

LOGQL = re.compile(r'\}\s*(?:\|[=~>]|!=\s*["`]|\|\s*(?:json|logfmt|pattern|regexp|unpack|line_format)\b)')
"""What follows a selector in LogQL, and in PromQL never."""
