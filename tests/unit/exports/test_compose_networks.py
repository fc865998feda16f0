"""docker-compose.override.yml names the networks of others, which Compose then finds and does not make."""

from __future__ import annotations

import yaml
from msgspec.structs import replace

from stack.components import load
from stack.components.build import Build
from stack.exports.compose_own import override
from stack.model.outer import OuterNetwork
from stack.model.spec import StackSpec
from tests.unit.deploy.plan_samples import NAME, service

BUILD = Build(load(environ={}), images={})
SHIPPED = ("web", "store")


def test_a_service_keeps_its_own_network_and_gets_those_that_it_joins() -> None:
    web = replace(service("web"), networks=(OuterNetwork("shop_default", "own/a.yml:1"),))
    told = yaml.safe_load(override(StackSpec(NAME, (web, service("store"))), BUILD, "/own", SHIPPED))
    # Compose merges the networks of a service, so `default` of docker-compose.yml stays.
    assert told["services"] == {"web": {"networks": {"shop_default": {}}}}
    assert told["networks"] == {"shop_default": {"name": "shop_default", "external": True}}


def test_without_any_there_is_no_file() -> None:
    assert override(StackSpec(NAME, (service("web"),)), BUILD, "/own", SHIPPED) == ""


def test_a_component_that_only_the_user_has_keeps_its_own_network_too() -> None:
    alone = replace(service("blackbox"), networks=(OuterNetwork("shop_default", "own/a.yml:1"),))
    told = yaml.safe_load(override(StackSpec(NAME, (alone,)), BUILD, "/own", ()))
    assert set(told["services"]["blackbox"]["networks"]) == {"default", "shop_default"}
