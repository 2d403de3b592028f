"""`python -m tracker` is the command `tracker`."""

from tracker.commands.cli import main

main()
