"""The description in other forms, as pure functions: for Compose, Swarm, Kubernetes, the operator; a report."""
