"""What helps against the complaints of promtool and amtool that people meet most, and their lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stack.model.spec import ConfigFile
from stack.targets.scrape_keys import meant
from stack.validation.native import known_line, place, text_of
from stack.validation.notifying_remedies import NOTIFYING

REMEDIES = (
    (
        r"is not a valid hostname",
        "a target is HOST:PORT; scheme: https and metrics_path: /PATH are keys of its job",
    ),
    (
        r"cannot unmarshal !!seq into config\.ScrapeConfigs",
        "a scrape file begins with scrape_configs:, its jobs stand below",
    ),
    (
        r"field \w+ not found in type config\.ScrapeConfigs",
        "a scrape file has scrape_configs: alone; what else there is belongs into prometheus/prometheus.yml",
    ),
    (
        r"field \w+ not found in type rulefmt\.RuleGroups|into rulefmt\.[rR]uleGroups",
        "a rule file begins with groups:, each with its name and rules",
    ),
    (r"not a valid duration string|unknown unit .* in duration", "a duration has its unit: 15s, 5m, 1h"),
    (r"scrape timeout greater than scrape interval", "scrape_timeout is at most scrape_interval"),
    (r"couldn't parse timestamp", "times are HH:MM, such as 09:00"),
    (r"Groupname must not be empty", "give each group a name"),
    (r"cannot unmarshal !!\w+ .*into \[\]", "write a list: [...]"),
    (r"cannot unmarshal !!\w+ .*into (?:u?int|float)\d*$", "write a number, without quotation marks"),
    (r"cannot unmarshal !!\w+ .*into bool$", "write true or false"),
    (r"cannot unmarshal !!\w+ .*into url\.Values", "write a list for each name: {name: [value]}"),
    (r"cannot unmarshal !!str .*into \w+\.(?:plain|\w*Config)$", "write a mapping: {key: value}"),
    (r"units: unknown unit", "a size has its unit: 512KB, 10MB, 1GB"),
    (
        r"no global SMTP (smarthost|from) set",
        r"smtp_\1 under global:, or \1 in the receiver (in settings: from, and host for smarthost)",
    ),
    (
        r"no global Rocketchat TokenID",
        "token_id_file in the receiver, or rocketchat_token_id_file under global:",
    ),
    (r"no global Wechat CorpID", "corp_id in the receiver, or wechat_api_corp_id under global:"),
    (r"no global Wechat Api ?Secret", "secret_file in the receiver, or wechat_api_secret_file under global:"),
    (r"no global (\w+) API Key", "key_file (api_key_file) in the receiver, or that of all under global:"),
    (r"no global [\w ]+ set\b", "set it under global:, or in the receiver"),
    (
        r'unsupported scheme "[^"]*" for URL',
        "a whole URL, https://...; no product replaces variables: name a file with the URL by url_file or api_url_file",
    ),
)
NO_KEY = re.compile(r"field (\w+) not found in type config\.ScrapeConfig$")
QUOTED = re.compile(r'"([^"]*)"|`(?:\^\(\?:)?(.*?)(?:\)\$)?`|timestamp (\S+),')
"""What a tool says that it has read; a regular expression without the anchors that it was given."""
OWN_LINE = re.compile(r": (\d+):(\d+): ")
"""Line and column, as promtool writes them behind a rule file; 0:0 where it knows none."""


def remedy(said: str, component: str) -> str:
    """What to do about a tool's words; in general, the component's files."""
    if (found := NO_KEY.search(said)) and (key := meant(found[1])):
        return f"is it {key}?"
    for pattern, words in (*REMEDIES, *(NOTIFYING if component == "alertmanager" else ())):
        if found := re.search(pattern, said):
            return found.expand(words)
    return f"correct {component}'s files"


def located(said: str, files: Iterable[ConfigFile], component: str) -> str:
    """The same words with the line, where they name a file without one and quote what stands on one line of it.

    What a tool quotes last is the most special.
    """
    quoted = ["".join(found) for found in QUOTED.findall(said)[::-1]]
    for file in files:
        where = place(file, component)
        if not said.startswith(f"{where}: ") or file.secret:
            continue
        if own := OWN_LINE.match(said, len(where)):
            line, column = own.groups()
            at = f":{known_line(file, int(line))}:{column}" if line != "0" else ""
            return f"{where}{at}: {said[own.end() :]}"
        lines = text_of(file).splitlines()
        for value in filter(None, quoted):
            word = re.compile(rf"{_edge(value[0], '<')}{re.escape(value)}{_edge(value[-1])}")
            holding = [number for number, line in enumerate(lines, 1) if word.search(line)]
            if len(holding) == 1:
                return f"{where}:{known_line(file, holding[0])}{said.removeprefix(where)}"
    return said


def _edge(end: str, before: str = "") -> str:
    """No part of a longer word is meant, where the value ends with a letter or a digit."""
    return rf"(?{before}!\w)" if end.isalnum() else ""
