"""A table of breakages of a running stack: how each is done, what must be said of it, and how it is repaired.

``python -m tests.breakage`` lists them; with a NAME it breaks a stack of its own so and shows what the commands say.
"""
