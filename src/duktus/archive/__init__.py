"""What the house remembers: rows in SQLite, files addressed by their content. Never imports torch."""
