"""The exports before Kubernetes' own validation: sound ones pass, broken ones do not."""
