"""The description in other forms (Compose, Swarm, Kubernetes, prometheus-operator), and a report. Pure functions."""
