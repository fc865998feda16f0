"""A stand-in for Grafana in tests: the same environment, provisioning files, API answers and mistakes.

It reads what the real server reads, answers as recorded answers of 12.3.0 show, and proxies queries to a real
Prometheus. ``STANDIN_VERSION`` says which version it speaks as: from 13 on it follows that version's documentation. It
draws nothing. It must stay unknown to the product: nothing outside ``tests/`` may import it.
"""

VERSION = "12.4.12"
RECORDED = "12.3.0"
"""The version whose answers were recorded."""
NEXT = "13.2.3"
"""The newest version that is tried."""
