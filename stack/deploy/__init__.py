"""From a description to a running stack: reconcile, execute, verify."""
