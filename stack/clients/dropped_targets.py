"""The targets that Prometheus has found and that relabelling leaves out. It may keep but some, and counts all."""

from __future__ import annotations

from collections import Counter

from stack.clients.http import Http
from stack.clients.shape import shaped, text


def dropped_targets(http: Http) -> dict[str, tuple[int, str]]:
    """By job their number and the address of one; ``HttpFailure`` where there is no usable answer."""
    answer = http.get("/api/v1/targets", params={"state": "dropped"})
    with shaped(answer):
        data = answer.json()["data"]
        shown = [(one.get("scrapePool") or "", one["discoveredLabels"]) for one in data["droppedTargets"]]
        counted = Counter(job for job, _ in shown) | Counter(data.get("droppedTargetCounts") or {})
        example = {job: text(labels.get("__address__", "")) for job, labels in reversed(shown)}
        return {job: (number, example.get(job, "")) for job, number in counted.items() if number > 0}
