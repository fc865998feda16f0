"""The Docker engine behind one Protocol: the real one, and an honest one in memory for tests."""
