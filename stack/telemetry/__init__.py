"""What is measured and how: the metric catalogue, the recorders, the metrics server."""
