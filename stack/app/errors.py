"""Why the application cannot start; the entry point turns it into one line and exit code 1."""

from __future__ import annotations


class CannotStart(Exception):
    """The application cannot start; the message says what, where and how to fix it."""
