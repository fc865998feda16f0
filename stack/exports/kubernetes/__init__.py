"""The description as objects of Kubernetes, as pure functions: plain manifests of standard kinds."""
