"""The list of planted faults stays true to the code; `make faults` then shows that each is noticed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.faults.run import ROOT, Fault, place_of, planted

FAULTS = planted()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_applies_to_one_place_and_still_parses(fault: Fault) -> None:
    place = place_of(fault, ROOT)
    assert place, "its text is not found exactly once in tracker/ and static/js: mend the fault, or the promise is gone"
    assert fault.new != fault.old
    if place.suffix == ".py":
        ast.parse(place.read_text().replace(fault.old, fault.new))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_names_tests_that_exist(fault: Fault) -> None:
    assert fault.killed_by
    for id in fault.killed_by:
        file, _, test = id.partition("#")[0].partition("::")
        assert (ROOT / file).is_file(), id
        if test:
            name = test.partition("[")[0].split("::")[-1]
            assert f"def {name}(" in Path(ROOT / file).read_text(), id
