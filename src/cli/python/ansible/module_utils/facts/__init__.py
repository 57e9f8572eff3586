"""Facts that modules ask for by themselves; what the run knows of hosts is gathered otherwise."""
