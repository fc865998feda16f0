"""The command line: one file per command group; a command is a function that returns an exit code."""
