"""The frozen values that pass between the stages: what should run, what runs, the plan, the events. No I/O."""
