"""Links in messages: the template that says where an alert's dashboard is, by the public addresses.

Where Grafana does not run they lead to the page that Prometheus serves in its place. Pure: text in, text out.
"""

from __future__ import annotations

from stack.components.build import Build
from stack.model.spec import ConfigFile

LINKS = "alertmanager/templates/links.tmpl"
SHIPPED = "http://127.0.0.1:3000{{ . }}"
UID = '{{ . | reReplaceAll "^/d/([^/?]+).*" "$1" }}'


def linked(build: Build, files: tuple[ConfigFile, ...]) -> tuple[ConfigFile, ...]:
    """The message templates, of which the shipped one for links has this stack's addresses."""
    place = _dashboard(build)
    return tuple(
        file.edited(file.content.replace(SHIPPED.encode(), place.encode())) if file.origin == LINKS else file
        for file in files
    )


def _dashboard(build: Build) -> str:
    """The address of a dashboard whose path in Grafana is ``.``, as a part of a template."""
    if "grafana" in build.present:
        return f"{build.public_url('grafana')}{{{{ . }}}}"
    return f"{build.public_url('prometheus')}/user/#{UID}"
