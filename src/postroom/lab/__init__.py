"""
The laboratory: the demo, timelines, and the command line. Nothing below imports it.
"""

from __future__ import annotations
