"""The six security gates: pure decisions over an input and a policy.

``types`` and ``policy`` are the vocabulary; one module per gate decides. The rest of the application calls them
through ``stack.app.gatekeeper``, where each call is measured. A gate must never log, measure or read settings.
"""
