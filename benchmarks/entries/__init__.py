"""
One file per hot path; the name of the file, without a trailing underscore, is the name of the entry.
"""

from __future__ import annotations
