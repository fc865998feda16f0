"""Modules of blackbox_exporter of the user's own, beyond what it says itself: files they name, doubled names. Pure."""

from __future__ import annotations

from stack.common import yaml_edit as edit
from stack.common.errors import ConfigurationInvalid
from stack.model.spec import ConfigFile
from stack.validation.native import check_named_files, place, text_of, wrong

FOLDER = "modules/"


def check_probing(files: tuple[ConfigFile, ...]) -> None:
    """``ConfigurationInvalid`` names the file, the line and the remedy."""
    own = [file for file in files if file.path.startswith(FOLDER)]
    check_named_files((*own, *(file for file in files if file.secret)))
    seen: dict[str, str] = {}
    for file in own:
        modules = edit.member(edit.compose(text_of(file)), "modules")
        if not edit.keys(modules):
            raise ConfigurationInvalid(
                f"{place(file)}: no module", hint="it needs modules: with a name and a prober for each"
            )
        for key, _ in modules.value if modules else ():
            first = seen.setdefault(str(key.value), place(file))
            if first != place(file):
                what = f"module {key.value!r} is that of {first}"
                raise wrong(file, what, "choose another name", int(key.start_mark.line) + 1)
