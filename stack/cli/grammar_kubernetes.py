"""The grammar of the exports for Kubernetes: plain manifests, and what prometheus-operator takes."""

from __future__ import annotations

from stack.cli.grammar_parts import CHOICE, DRY_RUN, OUTPUT, Command, value

NAMESPACE = value("--namespace", metavar="N", default="monitoring", help="namespace (monitoring)")
PUBLIC_URL = value(
    "--public-url", metavar="U", help="where people find the stack, for links; as the setting public_url"
)
KUBERNETES = Command(
    "kubernetes",
    "manifests and a kustomization.yaml for kubectl apply",
    "export_kubernetes:export_kubernetes",
    (
        OUTPUT,
        NAMESPACE,
        value("--storage-class", metavar="S", default="", help="class of the claims (the cluster's default)"),
        value("--storage", metavar="SIZE", default="10Gi", help="size of claims that grow (10Gi)"),
        value(
            "--registry", metavar="R", default="", help="registry, with path, of images that were built here"
        ),
        PUBLIC_URL,
        *CHOICE,
        DRY_RUN,
    ),
)
OPERATOR = Command(
    "operator",
    "rules, jobs, receivers and dashboards for prometheus-operator",
    "export_kubernetes:export_operator",
    (
        OUTPUT,
        NAMESPACE,
        value(
            "--release",
            metavar="NAME",
            default="kube-prometheus-stack",
            help="label by which their Prometheus chooses objects (kube-prometheus-stack)",
        ),
        value("--runbook-base", metavar="U", default="", help="where the runbooks are published"),
        PUBLIC_URL,
        *CHOICE,
        DRY_RUN,
    ),
)
