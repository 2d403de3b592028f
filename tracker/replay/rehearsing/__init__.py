"""Rehearsing: while somebody drags a region's edge, what it would have done to yesterday, told again a few times a
second: the same fleet decides, of nothing that could make a difference a fix is left out."""
