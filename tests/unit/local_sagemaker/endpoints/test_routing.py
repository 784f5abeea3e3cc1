"""engine/endpoints/routing.py: which server gets an invocation."""

from collections import Counter

import pytest

from local_sagemaker.engine.endpoints.routing import (
    NoServer,
    NoSuchVariant,
    Route,
    RoutedServer,
    RoutedVariant,
    RoutingTable,
    TooManyInvocations,
)


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


def test_a_variant_without_servers_leaves_its_share_to_those_that_have_weight() -> None:
    variants = RoutedVariant("a", 9, ()), RoutedVariant("b", 1, (server("b"),)), RoutedVariant("c", 0, (server("c"),))
    routes = table(*variants)
    assert {found[0].name for _ in range(30) if (found := routes.acquire("e"))} == {"b"}
    with pytest.raises(NoServer):
        routes.acquire("e", "a")  # exactly this one


def test_an_incoming_route_takes_its_share() -> None:
    old, new = RoutedVariant("v", 1, (server("old"),)), RoutedVariant("v", 7, (server("new"),))
    draws = iter([0.0, 0.29, 0.3, 0.99])
    routes = RoutingTable(draw=lambda: next(draws))
    routes.publish("e", Route((old,)), Route((new,)), 0.3)
    taken = [found[1].url for _ in range(4) if (found := routes.acquire("e"))]
    assert taken == ["http://new", "http://new", "http://old", "http://old"]
    routes.publish("e", Route((old,)), Route((new,)), 0.0)
    found = routes.acquire("e", "v")
    assert found is not None
    assert found[1].url == "http://old"


def test_an_incoming_route_that_cannot_answer_leaves_its_share_to_the_old_one() -> None:
    routes = RoutingTable()
    empty = Route((RoutedVariant("v", 1, ()),))
    routes.publish("e", Route((RoutedVariant("v", 1, (server("old"),)),)), empty, 1.0)
    found = routes.acquire("e")
    assert found is not None
    assert found[1].url == "http://old"
    routes.publish("e", empty, Route((RoutedVariant("w", 1, (server("new"),)),)), 0.5)
    found = routes.acquire("e", "w")  # a variant that only the new configuration has
    assert found is not None
    assert found[1].url == "http://new"


def test_invocations_of_a_serverless_endpoint_are_counted_and_bounded() -> None:
    woken: list[bool] = []
    routes = RoutingTable(wake=lambda: woken.append(True))
    routes.publish("e", Route((RoutedVariant("v", 1, (), serverless_concurrency=2),)))
    first, second = routes.arrive("e"), routes.arrive("e")
    assert len(woken) == 2
    with pytest.raises(TooManyInvocations, match="2"):
        routes.arrive("e")
    demand = routes.take_demand("e")
    assert (demand.current, demand.peak) == (2, 2)
    routes.leave(first)
    routes.leave(second)
    assert routes.take_demand("e").peak == 2  # what was between two looks
    assert routes.take_demand("e").peak == 0
    routes.leave(routes.arrive("e"))  # there is room again


def test_invocations_of_an_endpoint_with_instances_are_not_counted() -> None:
    routes = RoutingTable()
    routes.publish("e", Route((RoutedVariant("v", 1, (server("a"),)),)))
    assert routes.arrive("e") is None
    routes.leave(None)


def test_endpoints_that_are_not_there_leave_nothing_behind() -> None:
    routes = RoutingTable()
    demand = routes.arrive("nobody")
    assert routes.take_demand("nobody").current == 1
    routes.leave(demand)
    assert routes.take_demand("nobody").last_at == 0.0
