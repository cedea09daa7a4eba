"""The grammar and the planted faults of the invented support tickets; see data/README.md."""
