"""The keys of a scrape job of Prometheus 3, with common kinds of discovery, and the nearest to a wrong one. Pure."""

from __future__ import annotations

import difflib

KEYS = frozenset(
    [
        "job_name",
        "static_configs",
        "metrics_path",
        "scheme",
        "params",
        "scrape_interval",
        "scrape_timeout",
        "honor_labels",
        "honor_timestamps",
        "track_timestamps_staleness",
        "enable_compression",
        "scrape_protocols",
        "fallback_scrape_protocol",
        "scrape_failure_log_file",
        "extra_scrape_metrics",
        "scrape_native_histograms",
        "always_scrape_classic_histograms",
        "convert_classic_histograms_to_nhcb",
        "native_histogram_bucket_limit",
        "native_histogram_min_bucket_factor",
        "body_size_limit",
        "sample_limit",
        "target_limit",
        "label_limit",
        "label_name_length_limit",
        "label_value_length_limit",
        "keep_dropped_targets",
        "metric_name_validation_scheme",
        "metric_name_escaping_scheme",
        "relabel_configs",
        "metric_relabel_configs",
        "basic_auth",
        "authorization",
        "oauth2",
        "bearer_token",
        "bearer_token_file",
        "tls_config",
        "follow_redirects",
        "enable_http2",
        "proxy_url",
        "no_proxy",
        "proxy_from_environment",
        "proxy_connect_header",
        "http_headers",
        "file_sd_configs",
        "http_sd_configs",
        "dns_sd_configs",
        "docker_sd_configs",
        "kubernetes_sd_configs",
        "consul_sd_configs",
    ]
)


def meant(key: str) -> str:
    """The key that was meant; empty where none is near."""
    return next(iter(difflib.get_close_matches(key, sorted(KEYS), n=1)), "")
