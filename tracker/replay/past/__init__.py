"""Past: what a store has of a stretch of time, read, lived through once more, and compared with what was told then. How
a file is read and a server is spoken to is in the rooms below."""
