"""Picture files of other programs, whole and damaged: what tests and `benchmarks/metadata.py` both read."""
