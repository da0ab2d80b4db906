"""Plain frozen types, units and the error tree. Imports nothing of ours and no heavy library."""
