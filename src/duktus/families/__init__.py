"""Base models behind one contract: one folder per family, one registry line each."""
