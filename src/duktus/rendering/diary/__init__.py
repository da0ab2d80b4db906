"""The diary: pictures in the order in which they came about, with what was sought, changed and decided."""

from __future__ import annotations

from duktus.rendering.diary.content import Diary, Entry, Taught
from duktus.rendering.diary.markdown import diary_markdown
from duktus.rendering.diary.pdf import diary_pdf
from duktus.rendering.diary.web import diary_html

__all__ = ["Diary", "Entry", "Taught", "diary_html", "diary_markdown", "diary_pdf"]
