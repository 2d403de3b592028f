"""Decides: pings, edits and timers in, events out.

Pure: no clock, no store and no socket belong here; `now` is an argument.
"""
