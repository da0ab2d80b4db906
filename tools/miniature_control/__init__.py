"""The miniature's own ControlNets (line and depth) and its own upscaler.

    python -m tools.miniature_control control --kind line --out DIR [--base DIR] [--minutes 25]
    python -m tools.miniature_control control --kind depth --out DIR
    python -m tools.miniature_control upscaler --out DIR [--minutes 20]

The drawn world knows the lines and the relief of every portrait exactly, and draws it at any size: no network
guesses what these learn from. Each ends with ``report.json`` and goes on where it was stopped.
"""
