"""The diary as Markdown, with its pictures in a folder beside it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from duktus.families.atomic_file import write_atomically
from duktus.rendering.diary import telling
from duktus.rendering.diary.content import Diary, Entry
from duktus.rendering.diary.words import Words
from duktus.rendering.sheet.pictures import UnreadableError, open_picture

_SYNTAX = re.compile(r"([\\`*_{}\[\]<>#|])")


def diary_markdown(diary: Diary, out: Path) -> None:
    """Write ``out`` and copy the pictures, byte for byte, to a folder named like it (``diary.pictures/``)."""
    words = Words(diary.language)
    folder = out.with_name(f"{out.stem}.pictures")
    lines = [f"# {_text(diary.title)}", "", _text(telling.summary(diary, words)), ""]
    if diary.aim:
        lines += [f"**{words['aim']}:** {_text(diary.aim)}", ""]
    same = telling.shared(diary, words)
    lines += [", ".join(f"{name} {_text(value)}" for name, value in same), ""] if same else []
    lines += [f"- {_text(line)}" for line in telling.origins(diary, words)]
    for chapter in diary.chapters:
        lines += ["", f"## {words['aim']}: {_text(chapter.aim)}"] if chapter.aim else []
        for entry in chapter.entries:
            lines += ["", *_entry(diary, entry, words, folder)]
    lines += ["", f"## {words['prompts']}", ""]
    for letter, texts in (("P", diary.prompts), ("N", diary.negative_prompts)):
        lines += [f"- **{letter}{n}** {_text(text)}" for n, text in enumerate(texts, start=1)]
    if diary.notes:
        lines += ["", f"## {words['notes']}", "", *(f"- {_text(note)}" for note in diary.notes)]
    write_atomically(out, ("\n".join(lines) + "\n").encode())


def _entry(diary: Diary, entry: Entry, words: Words, folder: Path) -> list[str]:
    lines = [f"### {entry.number} · {entry.asset_id}", "", _picture(entry, words, folder), ""]
    lines.append(f"{telling.heading(entry, words)}:" if entry.against else telling.heading(entry, words))
    changed = telling.changed(entry, words)
    lines += (
        ["", *(f"- {f'{name}: ' if name else ''}{_text(how)}" for name, how in changed)] if changed else []
    )
    own = ", ".join(f"{name} {_text(value)}" for name, value in telling.own(diary, entry, words))
    lines += ["", own] if own else []
    for what, whom in telling.decided(entry, words):
        lines += ["", f"**{_text(what)}** ({_text(whom)})"]
    return lines


def _picture(entry: Entry, words: Words, folder: Path) -> str:
    try:
        open_picture(entry.path)
    except FileNotFoundError:
        return f"*{words['missing']}*"
    except UnreadableError:
        return f"*{words['unreadable']}*"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{entry.number:03}-{entry.asset_id}{entry.path.suffix or '.png'}"
    shutil.copyfile(entry.path, target)
    return f"![{words.fill('picture', n=entry.number)}]({folder.name.replace(' ', '%20')}/{target.name})"


def _text(text: str) -> str:
    return _SYNTAX.sub(r"\\\1", " ".join(text.split()))
