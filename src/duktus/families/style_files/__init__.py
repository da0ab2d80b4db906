"""Style files of any origin: what they hold, what each program makes of them, and how they are mended.

``truth`` lists the modules an architecture really has, ``spellings`` how the field spells their names,
``reading`` what a file holds, ``recognising`` joins the three, ``programs`` are the rule tables, ``checking``
counts with them, ``mending`` writes our canonical layout, ``proving`` loads with diffusers itself. ``words``
and ``word_proving`` do the same for learned words.
"""
