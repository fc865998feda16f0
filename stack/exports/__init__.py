"""The description in other forms, as pure functions: for Compose, Swarm, Kubernetes and prometheus-operator."""
