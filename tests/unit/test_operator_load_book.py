"""What several routers tell, added up: what counts, what is forgotten, and whether it is all."""

from __future__ import annotations

import pytest

from auriga_api.load import EndpointLoad, LoadReport, ModelLoad
from auriga_operator.load_book import LoadBook

A, B = "10.0.0.1:8080", "10.0.0.2:8080"


@pytest.fixture
def book() -> LoadBook:
    """Two routers are ready, and nobody has said anything."""
    made = LoadBook()
    made.listed({A: True, B: True})
    return made


def full(router: str, now: float = 0.0, **models: ModelLoad) -> LoadReport:
    return LoadReport(router, {f"ns/{name}": load for name, load in models.items()}, full=True)


def load(book: LoadBook, model: str = "m", now: float = 0.0) -> ModelLoad:
    found = book.load(f"ns/{model}", now)
    assert found
    return found


def test_it_is_complete_when_every_ready_router_has_told_all(book: LoadBook) -> None:
    assert not book.complete
    book.told(A, full("a"), 0)
    assert not book.complete
    assert book.told(B, LoadReport("b", {"ns/m": ModelLoad(1)}), 0) == frozenset()  # before its whole state
    assert not book.complete
    book.told(B, full("b"), 0)
    assert book.complete
    book.ended(A)
    assert not book.complete
    book.listed({A: False, B: True})  # it goes: nobody is sent there
    assert book.complete


def test_nothing_is_complete_before_anybody_has_looked_for_routers() -> None:
    book = LoadBook()
    assert not book.complete
    assert book.load("ns/m", 0) is None
    book.listed({})
    assert book.complete
    assert book.load("ns/m", 0) == ModelLoad()


def test_routers_add_up_and_one_that_ends_is_forgotten(book: LoadBook) -> None:
    book.told(A, full("a", m=ModelLoad(3, 1, slots=4)), 0)
    book.told(B, full("b", m=ModelLoad(2, 0, slots=4), other=ModelLoad(1)), 0)
    assert (load(book).in_flight, load(book).queued, load(book).slots) == (5, 1, 4)
    assert book.ended(A) == {"ns/m"}
    assert (load(book).in_flight, load(book).queued) == (2, 0)
    assert load(book, "other").in_flight == 1


def test_what_changes_takes_the_place_of_what_was(book: LoadBook) -> None:
    book.told(A, full("a", m=ModelLoad(3), gone=ModelLoad(4), kept=ModelLoad(5)), 0)
    assert book.told(A, LoadReport("a", {"ns/m": ModelLoad(1), "ns/gone": None}), 1) == {"ns/m", "ns/gone"}
    assert [load(book, name).in_flight for name in ("m", "gone", "kept")] == [1, 0, 5]
    assert book.told(A, full("a", m=ModelLoad(2)), 2) == {"ns/m", "ns/kept"}
    assert [load(book, name).in_flight for name in ("m", "kept")] == [2, 0]


def test_a_router_that_comes_does_not_look_like_requests(book: LoadBook) -> None:
    book.told(A, full("a", m=ModelLoad(requests=100, idle=3600.0)), 0)
    assert load(book).requests == 0
    book.told(A, LoadReport("a", {"ns/m": ModelLoad(requests=103)}), 1)
    assert load(book).requests == 3


def test_a_router_out_of_reach_counts_on_where_it_was(book: LoadBook) -> None:
    book.told(A, full("a", m=ModelLoad(requests=100, idle=3600.0)), 0)
    book.ended(A)
    book.told(A, full("a", m=ModelLoad(requests=102)), 9)
    assert load(book).requests == 2
    book.ended(A)
    book.told(A, full("a", m=ModelLoad(requests=1)), 9)  # it has been started anew
    assert load(book).requests == 3


def test_a_new_router_that_was_asked_just_now_is_news(book: LoadBook) -> None:
    book.told(B, full("b", m=ModelLoad(requests=1, idle=0.2)), 0)
    assert load(book).requests == 1


def test_times_go_on_while_nobody_tells_anything(book: LoadBook) -> None:
    endpoints = {"10.1.0.1:8080": EndpointLoad(1, 2.0), "10.1.0.2:8080": EndpointLoad(0, None)}
    book.told(A, full("a", m=ModelLoad(idle=5.0, endpoints=endpoints)), 100.0)
    book.told(B, full("b", m=ModelLoad(idle=1.0)), 130.0)
    now = load(book, now=140.0)
    assert now.idle == 11.0
    assert now.endpoints == {"10.1.0.1:8080": EndpointLoad(1, 42.0), "10.1.0.2:8080": EndpointLoad(0, None)}


def test_who_leads_no_more_knows_nothing(book: LoadBook) -> None:
    book.told(A, full("a", m=ModelLoad(3)), 0)
    book.clear()
    assert not book.complete
    assert book.load("ns/m", 0) is None


@pytest.mark.parametrize("gone", [LoadReport("a", {"ns/m": None}), full("a")])
def test_a_model_made_anew_is_counted_from_zero(book: LoadBook, gone: LoadReport) -> None:
    book.told(A, full("a", m=ModelLoad(requests=1, idle=0.2)), 0)
    book.told(A, gone, 1)
    book.told(A, LoadReport("a", {"ns/m": ModelLoad(requests=1)}), 2)
    assert load(book).requests == 2
