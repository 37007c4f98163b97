"""What a request costs does not grow unseen: instructions, allocations and memory against budgets.json.

Where a growth is meant, or something got cheaper, `make budgets` makes what was measured the budget.
"""

import json
import warnings

import pytest
from measure import BINARY, BUDGETS, measure, toolchain

GROWTH = 1.05
NOW_AND_THEN = 0.05  # allocations a request
# Another compiler counts otherwise, but not by so much.
OTHER_TOOLCHAIN = 1.5
OTHER_ALLOCATIONS = 2
TOOLCHAINS = json.loads(BUDGETS.read_text())["toolchains"]
FIGURES = sorted({name for row in TOOLCHAINS.values() for name in row})


@pytest.fixture(scope="session")
def here():
    name = toolchain(BINARY)
    if name not in TOOLCHAINS:
        warnings.warn(f"{BUDGETS.name} has no row for {name}: the bounds are {OTHER_TOOLCHAIN} times those of "
                      f"{', '.join(TOOLCHAINS)}. `make budgets` adds one.")
    return name


@pytest.fixture(scope="session")
def measured(here):
    return measure(BINARY)


@pytest.mark.parametrize("figure", FIGURES)
def test_costs_no_more_than_its_budget(figure, here, measured):
    is_known = here in TOOLCHAINS
    budget = TOOLCHAINS[here][figure] if is_known else max(row[figure] for row in TOOLCHAINS.values())
    bound = budget * (GROWTH if is_known else OTHER_TOOLCHAIN)
    if figure.endswith("allocations"):
        bound += NOW_AND_THEN if is_known else OTHER_ALLOCATIONS
    assert measured[figure] <= bound, (
        f"{figure}: {measured[figure]:,}, its budget is {budget:,} ({here}). Find out why it has grown; if that is "
        "worth it, run `make budgets` and land the new figures")


def test_something_was_counted(measured):
    """A gateway that does nothing, or a profile of the wrong thread, would keep every budget."""
    assert measured["poll_instructions"] > 2_000
    assert measured["post_instructions"] > measured["poll_instructions"]
    assert measured["post_allocations"] > 0
    assert measured["statement_bytes"] > 200
