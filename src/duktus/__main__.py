"""``python -m duktus``."""

from __future__ import annotations

from duktus.cli import main

if __name__ == "__main__":
    main()
