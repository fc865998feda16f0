"""One file per group of addresses; each holds ``router`` and nothing that decides."""
