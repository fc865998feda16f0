"""The path of a file becomes one name: a different one for each path, that the products' patterns load."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import given, settings
from hypothesis import strategies as st

from stack.components.places import NAME_BYTES, OWN_MARK, Place

RULES = Place("rules/", (".yml", ".yaml", ".json"))
NAMES = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=60)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def endings(path: str) -> list[str]:
    return [path + suffix for suffix in RULES.suffixes]


def test_plain_names_stay_and_all_others_say_where_they_come_from() -> None:
    assert RULES.rendered("app-slo.yml") == "rules/app-slo.yml"
    assert RULES.rendered("team/a.yml") == "rules/+team+a.yml"
    assert RULES.rendered("a.yaml") == "rules/+a%2Eyaml.yml"
    assert RULES.rendered("team/a.yml", OWN_MARK) == "rules/~own+team+a.yml"
    assert RULES.rendered("app-slo.yml", OWN_MARK) == "rules/~own+app-slo.yml"
    assert RULES.rendered("grün kohl.json", OWN_MARK) == "rules/~own+gr%C3%BCn%20kohl%2Ejson.yml"


@settings(deadline=None)
@given(st.lists(PATHS, min_size=2, max_size=6, unique=True))
def test_no_two_files_get_one_name_and_each_is_loaded(paths: list[str]) -> None:
    files = [
        (one, mark)
        for path in paths
        for one in {*endings(path), f"{path}.yaml.yml"}
        for mark in ("", OWN_MARK)
    ]
    rendered = [RULES.rendered(*file) for file in dict.fromkeys(files)]
    assert len(set(rendered)) == len(rendered)
    assert all(fnmatchcase(name, "rules/*.yml") and name.count("/") == 1 for name in rendered)
    assert all(name.isprintable() and len(name.encode()) <= NAME_BYTES + 60 for name in rendered)
