"""
``python -m postroom`` is the command ``postroom``.
"""

from __future__ import annotations

from postroom.lab.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
