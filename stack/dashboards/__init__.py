"""Dashboards as code: the five dashboards, the runbooks and the queries that a dashboard asks.

``render`` gives the generated files as text, keyed by path from the repository root. It decides nothing about
where they go and must never write. The Grafana SDK is loaded only when something is rendered.
"""

from __future__ import annotations

__all__ = ["render"]


def render() -> dict[str, str]:
    """Every generated file: dashboards under grafana/, runbooks under prometheus/user/. Path -> text."""
    from stack.dashboards.builder import to_json
    from stack.dashboards.runbooks import pages
    from stack.dashboards.table import DASHBOARDS

    files = {
        f"grafana/{dashboard.folder}/{dashboard.uid}.json": to_json(dashboard) for dashboard in DASHBOARDS
    }
    return files | pages()
