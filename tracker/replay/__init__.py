"""Replay: recorded tracks through the very same pipeline as live pings. What a file says is read by formats/."""
