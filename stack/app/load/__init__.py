"""The load generator: a seeded, realistic mix of operations through the application's real code paths.

``mix`` is the table of what happens how often, ``operations`` does it, ``generator`` paces it. It must never call
a recorder, never reach out to a network, and never let stored data grow without bound.
"""
