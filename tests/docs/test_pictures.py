"""`script/screenshots`: every page of the console is a stop of the tour, and each once."""

from script.pictures.tour import Tour, page_kinds


def test_the_tour_knows_every_page_and_no_part_of_one() -> None:
    paths = {kind.path for kind in page_kinds()}
    assert {"/", "/reviews", "/reviews/{review_id}", "/experiments/start", "/automations/{name}/policy"} <= paths
    assert not [path for path in paths if path.startswith(("/live", "/static", "/sign-in"))]
    assert len({kind.name for kind in page_kinds()}) == len(page_kinds())


def test_each_page_is_visited_once_and_pages_found_on_the_way_follow() -> None:
    tour = Tour(page_kinds())
    tour.offer(["/", "/reviews?state=mine"])
    stops = []
    for kind, link in tour.stops():
        stops.append((kind.path, link))
        tour.offer(["/reviews/1", "/reviews/2", "https://example.com/elsewhere"])
    assert stops == [("/", "/"), ("/reviews", "/reviews?state=mine"), ("/reviews/{review_id}", "/reviews/1")]


def test_tabs_are_looked_behind_for_pages_that_are_missing() -> None:
    tour = Tour(page_kinds())
    tour.offer(["/actions", "/actions?state=done"])
    list(tour.stops())
    assert tour.lead() == "/actions?state=done"
    assert tour.lead() is None
    assert "/actions/{action_id}" in tour.missed()


def test_a_start_form_is_not_taken_for_the_page_of_one_thing() -> None:
    tour = Tour(page_kinds())
    tour.offer(["/rollouts/start", "/rollouts/screening/2"])
    assert [kind.path for kind, _ in tour.stops()] == ["/rollouts/start", "/rollouts/{automation}/{number}"]
