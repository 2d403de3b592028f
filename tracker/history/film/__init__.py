"""Film: where everybody was, at one instant or at many: as frames, and as a tape that a page scrubs through."""
