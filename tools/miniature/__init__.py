"""The recipe of the miniature: draws its data, trains its three networks, writes and measures the folder.

    python -m tools.miniature train --out DIR      draw, train, export (kill it, run it again: it goes on)
    python -m tools.miniature measure DIR --n 200  asked against got on fresh prompts

Nothing here ships in the package; the package ships what this writes.
"""
