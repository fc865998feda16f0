"""Targets of the user's own: the text of their jobs, and which containers could be one. Pure."""
