"""One viewer: what it may follow, and when it can take more."""

from __future__ import annotations

import pytest

from tests.support.grants import limited
from tracker.access.grants import EVERYTHING
from tracker.live.requests import Box, Follow, View
from tracker.live.viewer import MOST_CELLS, Viewer, Wish, cells_of, narrow


class Outlet:
    pending = 0

    def send(self, payload: bytes, text: bool = True) -> None: ...


def test_a_view_is_the_tiles_it_touches() -> None:
    assert cells_of(View((0.1, 0.1, 0.2, 0.2), 2)) == {(3, 4, 3)}
    assert cells_of(View((-0.1, -0.1, 0.1, 0.1), 4)) == {(3, 3, 3), (3, 3, 4), (3, 4, 3), (3, 4, 4)}


def test_a_view_across_the_antimeridian_has_both_sides() -> None:
    across = cells_of(View((179.9, 0.1, -179.9, 0.2), 4))
    assert across == {(3, 7, 3), (3, 0, 3)}
    assert cells_of(View((179.9, 0.1, 180.1, 0.2), 4)) == across


def test_a_map_zoomed_out_over_the_whole_world_has_every_tile() -> None:
    assert len(cells_of(View((-720, -89, 720, 89), 1))) == 64


@pytest.mark.parametrize("zoom", [0, 3, 9.5, 14, 22, 1e9, -5])
def test_no_view_has_more_cells_than_allowed(zoom: float) -> None:
    assert 0 < len(cells_of(View((-180, -90, 180, 90), zoom))) <= MOST_CELLS


def test_everything_may_be_followed_with_everything_granted() -> None:
    follow = Follow(regions=["a"], vehicles=["v"], view=Box((0.1, 0.1, 0.2, 0.2), 4))
    assert narrow(follow, EVERYTHING) == Wish(False, frozenset({"a"}), frozenset({"v"}), frozenset({(3, 4, 3)}))
    assert narrow(Follow(all=True), EVERYTHING) == Wish(all=True)


@pytest.mark.parametrize(
    "follow",
    [Follow(all=True), Follow(view=Box((0, 0, 1, 1), 4)), Follow(regions=["mine", "yours"]), Follow(vehicles=["v"])],
)
def test_who_may_see_some_regions_never_follows_more(follow: Follow) -> None:
    wish = narrow(follow, limited("mine"))
    assert not wish.all
    assert wish.regions <= {"mine"}


def test_a_window_holds_frames_back_until_they_are_got() -> None:
    viewer = Viewer(Outlet())
    viewer.pace(Follow(all=True, window=2), 1000)
    viewer.frame = 2
    assert not viewer.has_credit()
    viewer.got = 1
    assert viewer.has_credit()


def test_a_viewer_is_blocked_only_while_nothing_is_read() -> None:
    outlet = Outlet()
    viewer = Viewer(outlet)
    outlet.pending = 100_000
    assert not viewer.is_blocked(0)
    outlet.pending = 99_000
    assert not viewer.is_blocked(4_000), "it reads, slowly"
    assert not viewer.is_blocked(8_000)
    assert viewer.is_blocked(13_000)
