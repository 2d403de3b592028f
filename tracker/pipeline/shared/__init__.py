"""One node of several: whose vehicles are whose, pings on their way to their owner, and what is done at other nodes."""
