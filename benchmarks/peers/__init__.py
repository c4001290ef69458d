"""
Other ways to match: what a good engineer writes in an afternoon, and the engines on PyPI that run in this interpreter.

A loop asks all rules of a set one after the other; ``match(event)`` returns the names of those that match. The engines of
PyPI are imported only when asked for, and left out where they are not installed.
"""

from __future__ import annotations
