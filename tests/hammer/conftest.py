"""
What runs of many threads share.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture
def eager() -> Iterator[None]:
    """
    Threads that take turns every few operations, not every 5 ms.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
