"""The command line: options in, exit codes out.

What a command does stands in the room it calls.
"""
