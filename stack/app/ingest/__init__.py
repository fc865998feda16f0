"""Ingest: one archive through all six gates into the content store and the packet store, all of it or nothing.

``intents`` is the write-ahead record, ``pipeline`` the order of the steps. Nothing here decides what is acceptable.
"""
