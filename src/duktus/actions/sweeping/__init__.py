"""What a sweep needs beside its recipes: its file, its cost, filling it, whether its axes do something."""
