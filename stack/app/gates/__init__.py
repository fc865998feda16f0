"""The six security gates: pure decisions over an input and a policy.

``types`` and ``policy`` are the vocabulary; one module per gate decides; ``guarded`` is the same set of
functions with measurements, which is what the rest of the application calls. A gate must never log, measure
or read settings.
"""
