"""engine/routing.py: which server gets an invocation."""

from collections import Counter

import pytest

from local_sagemaker.engine.routing import NoServer, NoSuchVariant, Route, RoutedServer, RoutedVariant, RoutingTable


def server(name: str = "s") -> RoutedServer:
    return RoutedServer(f"http://{name}", name)


def table(*variants: RoutedVariant, draws: list[float] | None = None) -> RoutingTable:
    numbers = iter(draws or [])
    found = RoutingTable(draw=lambda: next(numbers)) if draws else RoutingTable()
    found.publish("e", Route(variants))
    return found


def test_an_unknown_endpoint_has_no_route() -> None:
    assert table().acquire("other") is None


def test_an_endpoint_taken_out_has_no_route() -> None:
    routes = table(RoutedVariant("v", 1, (server(),)))
    routes.publish("e", None)
    assert routes.acquire("e") is None


def test_the_least_loaded_server_is_taken() -> None:
    one, two = server("one"), server("two")
    routes = table(RoutedVariant("v", 1, (one, two)))
    taken = [routes.acquire("e") for _ in range(4)]
    assert Counter(found[1].url for found in taken if found) == {"http://one": 2, "http://two": 2}
    routes.release(two)
    found = routes.acquire("e")
    assert found is not None
    assert found[1] is two


def test_a_server_is_idle_when_all_it_took_is_given_back() -> None:
    only = server()
    routes = table(RoutedVariant("v", 1, (only,)))
    assert routes.acquire("e") is not None
    assert not routes.idle(only)
    routes.release(only)
    assert routes.idle(only)


def test_variants_share_the_traffic_by_weight() -> None:
    variants = RoutedVariant("a", 3, (server("a"),)), RoutedVariant("b", 1, (server("b"),))
    routes = table(*variants, draws=[0.0, 0.5, 0.74, 0.76, 0.999])
    taken = [found[0].name for _ in range(5) if (found := routes.acquire("e"))]
    assert taken == ["a", "a", "a", "b", "b"]


def test_a_variant_of_weight_zero_is_reached_by_name_alone() -> None:
    variants = RoutedVariant("a", 1, (server("a"),)), RoutedVariant("b", 0, (server("b"),))
    routes = table(*variants)
    assert {found[0].name for _ in range(50) if (found := routes.acquire("e"))} == {"a"}
    found = routes.acquire("e", "b")
    assert found is not None
    assert found[0].name == "b"


def test_random_routing_takes_any_server() -> None:
    servers = server("one"), server("two")
    routes = table(RoutedVariant("v", 1, servers, least_loaded=False), draws=[0.1, 0.2, 0.9])
    assert [found[1].url for _ in range(3) if (found := routes.acquire("e"))] == [
        "http://one",
        "http://one",
        "http://two",
    ]


def test_an_unknown_variant_and_a_variant_without_servers_are_told_apart() -> None:
    routes = table(RoutedVariant("v", 1, ()))
    with pytest.raises(NoSuchVariant):
        routes.acquire("e", "w")
    with pytest.raises(NoServer):
        routes.acquire("e")
