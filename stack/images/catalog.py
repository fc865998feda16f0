"""Which images there are: the pin of each component, and how it can be built here. The components bring both.

Data only; a registry or an engine is never asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from msgspec import Struct, field

from stack.images.pins import BASE, Pin
from stack.images.recipes import Recipe, python


class Catalog(Struct, frozen=True, dict=True):
    """Pins by name, and for those that distribution packages can replace the maker of the recipe.

    The base of our own programs' images is always part of it.
    """

    components: Mapping[str, Pin] = field(default_factory=dict)
    makers: Mapping[str, Callable[[], Recipe]] = field(default_factory=dict)

    @cached_property
    def pins(self) -> dict[str, Pin]:
        """All pins by name."""
        return {**self.components, BASE.component: BASE}

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        """All recipes by name."""
        return {name: make() for name, make in {**self.makers, BASE.component: python}.items()}
