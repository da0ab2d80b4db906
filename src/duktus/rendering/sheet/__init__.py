"""The contact sheet of a series: every cell with its parameters, as a PNG or as one HTML file."""

from __future__ import annotations

from duktus.rendering.sheet.cell import SheetCell
from duktus.rendering.sheet.png import sheet_png
from duktus.rendering.sheet.web import sheet_html

__all__ = ["SheetCell", "sheet_html", "sheet_png"]
