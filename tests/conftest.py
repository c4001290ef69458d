"""
How much Hypothesis tries: little in plain `pytest`, and always the same; a lot, and new each time, with `-m deep`.

Nothing here acts on a test unasked: no autouse fixture, no patching. A test makes its own clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pytest

# Deadlines and "too slow" measure the machine, which may be busy; what a test must not exceed, it says itself.
settings.register_profile(
    "quick",
    max_examples=25,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep",
    max_examples=500,
    stateful_step_count=60,
    print_blob=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def pytest_configure(config: pytest.Config) -> None:
    """
    Chooses the profile, unless `--hypothesis-profile` has chosen one.
    """
    if not config.getoption("--hypothesis-profile", default=None):
        settings.load_profile("deep" if config.getoption("markexpr") == "deep" else "quick")
