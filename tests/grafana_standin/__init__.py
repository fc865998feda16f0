"""A stand-in for Grafana 12.3.0 in tests: the same environment, provisioning files, API answers and mistakes.

It reads what the real server reads, answers as recorded answers of the real server show, and proxies queries to a
real Prometheus. It draws nothing. It must stay unknown to the product: nothing outside ``tests/`` may import it.
"""

VERSION = "12.3.0"
