"""What picture files carry beside their pixels: read from every container, explained, and taken out.

Everything in here treats a file as written by a stranger: limits before work, typed values, never ``eval``,
no third-party parser.
"""
