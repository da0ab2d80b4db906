"""duktus teaches a diffusion model an artist's own hand and lets them direct it in series.

``import duktus; ws = duktus.open("my-workspace")`` gives the same verbs as the command line.
"""

__version__ = "0.1.0"
