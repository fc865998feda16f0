"""A real node of Kubernetes on this machine, in namespaces of its own. For ``scripts/kubernetes-node``."""
