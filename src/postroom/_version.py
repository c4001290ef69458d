"""
The version, once: the build reads it from here, and `postroom.__version__` shows it.
"""

from __future__ import annotations

__version__ = "0.1.0"
