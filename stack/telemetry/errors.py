"""What can go wrong with the stand-alone metrics server, as one line for the user."""

from __future__ import annotations


class MonitorError(Exception):
    """The message says what, where and how to put it right; it never carries a secret."""
