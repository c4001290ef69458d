"""
A region: makes resources and finds them by name, and gives them a clock, a random source and ARNs.
"""

from __future__ import annotations

from postroom.region._region import Region
from postroom.region._topology import Topology

__all__ = ["Region", "Topology"]
