"""A job holds once its targets are up and their samples kept; what does not is named at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from stack.checks.context import CheckContext
from stack.checks.model import Broken, Expected, Job
from stack.checks.stored import ADDED, AFTER
from stack.checks.target_proof import Proof, gone, prove
from stack.clients.prometheus import Sample, Target
from stack.common.wait import Clock

SELF = Job("prometheus", component="prometheus")
SHOP = Job("shop", interval=5.0, timeout=5.0, addresses=("shop:1",))
UP = Target("shop", "shop:1", "up", "", last_scrape="1970-01-01T00:16:38.5Z")
FRESH = replace(UP, health="unknown")
OTHER = Target("other", "o:1", "down", "x")


def fast() -> Clock:
    """A clock that moves only while somebody waits."""
    passed = [0.0]

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    return Clock(lambda: passed[0], sleep)


@dataclass
class Answers:
    """Prometheus as it answers one question after another; the last answer stays."""

    shown: list[tuple[Target, ...]]
    kept: int | None = 3
    scraped: int = 3
    stored: int = 3
    added: int = 0
    rejections: int = 3
    label: str = "shop"
    before: float | None = 0
    asked: int = field(default=0)

    def targets(self) -> tuple[Target, ...]:
        self.asked += 1
        return self.shown.pop(0) if len(self.shown) > 1 else self.shown[0]

    def rejected(self) -> int:
        return self.rejections

    def query(self, expr: str) -> tuple[Sample, ...]:
        if "prometheus_target_scrapes_sample" in expr:
            assert 'job=~"prometheus"' in expr and expr.endswith(" offset 10s)")
            return () if self.before is None else (Sample((), self.before),)
        if expr == "time()":
            return (Sample((), 1000.0),)
        assert f'job=~"{self.label}"' in expr and "[2s]" in expr
        if expr.startswith("count"):
            return self._samples(self.stored or None)
        if ADDED in expr:
            return self._samples(self.added)
        return self._samples(self.kept if AFTER in expr else self.scraped)

    def _samples(self, value: int | None) -> tuple[Sample, ...]:
        """Of the target, and of one that the job had before."""
        earlier = Sample((("instance", "earlier:1"),), 7.0)
        return (earlier,) if value is None else (Sample((("instance", "shop:1"),), value), earlier)

    @property
    def context(self) -> CheckContext:
        return cast(
            CheckContext, SimpleNamespace(prometheus=self, expected=Expected("s", (), jobs=(SELF, SHOP)))
        )


def proof(*shown: tuple[Target, ...], job: Job = SHOP, **numbers: Any) -> Proof:
    return prove(Answers(list(shown), **numbers).context, job, clock=fast())


def broken(*shown: tuple[Target, ...], **numbers: Any) -> Broken:
    with pytest.raises(Broken) as caught:
        proof(*shown, **numbers)
    return caught.value


def test_it_waits_until_the_target_is_shown_and_scraped() -> None:
    found = proof((), (OTHER,), (FRESH, OTHER), (UP, OTHER))
    assert (found.kept, found.warnings, found.targets) == (3, (), (UP,))


def test_a_fault_is_definite() -> None:
    down = replace(UP, health="down", last_error="server returned HTTP status 404 Not Found")
    answers = Answers([(FRESH,), (down,)])
    with pytest.raises(Broken, match=r"shop shop:1 is down: shop:1 has no /metrics \(404\)") as caught:
        prove(answers.context, SHOP, clock=fast())
    assert answers.asked == 2 and "job shop: set metrics_path" in caught.value.hint


def test_nothing_shown_and_nothing_scraped_end_in_time() -> None:
    assert "shows no target of shop" in str(broken(()))
    assert "has not been scraped yet" in str(broken((FRESH,)))


def test_samples() -> None:
    assert "its page has no samples" in str(broken((UP,), kept=0, scraped=0, stored=0))
    dropped = broken((UP,), kept=0, scraped=7, stored=0)
    assert "none of its 7 samples is kept" in str(dropped) and "metric_relabel_configs" in dropped.hint
    lost = broken((UP,), stored=0)
    assert "none of its 3 samples is stored" in str(lost) and "job shop: honor_timestamps: false" in lost.hint
    assert proof((UP,), stored=0, added=3).kept == 3, "under another job, by honor_labels or a relabelling"
    assert len(proof((UP,), stored=0, added=2).warnings) == 1
    assert "nothing is known of its samples" in str(broken((UP,), kept=None))
    (said,) = proof((UP,), stored=2).warnings
    assert said.startswith("shop shop:1: 1 of 3 samples are not stored: they repeat a series")
    assert proof((UP,), stored=9).kept == 3, "rules may give series the labels of a target"


@pytest.mark.parametrize(
    ("rejections", "before", "kept", "warnings"),
    [(0, None, 3, 0), (7, 7, 3, 0), (8, 7, 2, 1), (2, 7, 1, 1), (2, None, 1, 1)],
    ids=["none ever", "none since", "one since", "a new process", "it scrapes not itself"],
)
def test_what_bears_other_names_and_was_added_long_ago_is_stored_unless_it_is_rejected_now(
    rejections: int, before: float | None, kept: int, warnings: int
) -> None:
    found = proof((UP,), stored=0, added=0, rejections=rejections, before=before)
    assert (found.kept, len(found.warnings)) == (kept, warnings)


def test_its_label_may_be_another_than_its_name() -> None:
    assert proof((replace(UP, label="z.1"),), label=r"z\\.1").kept == 3


def test_a_job_whose_relabelling_leaves_none_is_told_so() -> None:
    with pytest.raises(Broken, match="no target of shop") as caught:
        proof((), job=replace(SHOP, chosen=True))
    assert "its relabel_configs may leave none" in caught.value.hint


def test_what_is_rejected_now_was_not_stored() -> None:
    assert "none of its 3 samples is stored" in str(broken((UP,), stored=0, rejections=10, before=7))


def test_what_is_scraped_rarely_is_not_waited_for() -> None:
    found = proof((FRESH,), job=replace(SHOP, interval=300.0))
    assert not found.samples and "its interval is 5 min" in found.warnings[0].replace("5m", "5 min")


def test_gone() -> None:
    gone(Answers([(UP,), (OTHER,)]).context, "shop", clock=fast())
    with pytest.raises(Broken, match="shop is still scraped"):
        gone(Answers([(UP,)]).context, "shop", clock=fast())
