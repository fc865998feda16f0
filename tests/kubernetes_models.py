"""Whether an object is one of Kubernetes' own types, by lightkube's models: nothing unknown or of a wrong type."""

from __future__ import annotations

from typing import Any

import msgspec
from lightkube.models import apps_v1, core_v1, networking_v1, policy_v1

Json = dict[str, Any]
MODELS = {
    "v1": core_v1,
    "apps/v1": apps_v1,
    "policy/v1": policy_v1,
    "networking.k8s.io/v1": networking_v1,
}


def model_faults(one: Json) -> list[str]:
    """A wrong type, or the fields that the model does not know and so drops."""
    model = getattr(MODELS[one["apiVersion"]], one["kind"])
    try:
        kept = model.from_dict(one).to_dict()
    except msgspec.ValidationError as error:
        return [str(error)]
    return list(_dropped(one, kept, one["kind"]))


def _dropped(given: Any, kept: Any, place: str) -> list[str]:
    if isinstance(given, dict) and isinstance(kept, dict):
        return [
            fault
            for key, value in given.items()
            for fault in (_dropped(value, kept[key], f"{place}.{key}") if key in kept else [f"{place}.{key}"])
        ]
    if isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        return [
            f
            for i, (a, b) in enumerate(zip(given, kept, strict=True))
            for f in _dropped(a, b, f"{place}[{i}]")
        ]
    return [] if given == kept else [f"{place}: {given!r} is {kept!r}"]
