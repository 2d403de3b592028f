"""Bundles: what a stretch of the past was decided by, and what was decided, in a file that any tracker plays again."""
