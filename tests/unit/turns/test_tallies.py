from __future__ import annotations

from tracker.turns.tallies import Tallies


def test_what_has_the_same_labels_is_counted_together_and_nought_is_not_counted() -> None:
    tallies = Tallies()
    tallies.add("ingest_requests", "osmand", "200")
    tallies.add("ingest_requests", "osmand", "200", times=2)
    tallies.add("ingest_ignored", "overland", times=0)
    tallies.add_all("ingest_items", "osmand", {"accepted": 5, "duplicates": 0})
    assert list(tallies.all()) == [
        ("ingest_requests", {"protocol": "osmand", "status": "200"}, 3),
        ("ingest_items", {"protocol": "osmand", "outcome": "accepted"}, 5),
    ]
