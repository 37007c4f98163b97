"""Waiting for something to become true, bounded, without sleeping blindly."""

import time


def eventually(condition, within=10.0, every=0.02, message=None):
    """The first truthy answer of `condition`; what it raises or answers last stands in the failure."""
    deadline = time.monotonic() + within
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, OSError, KeyError, ValueError) as problem:
            last = problem
        if time.monotonic() > deadline:
            raise AssertionError(f"{message or 'not true'} within {within} s; the last answer was {last!r}")
        time.sleep(every)


def holds(condition, during=0.5, every=0.05):
    """Asserts that `condition` stays true for a while."""
    deadline = time.monotonic() + during
    while time.monotonic() < deadline:
        assert condition()
        time.sleep(every)
