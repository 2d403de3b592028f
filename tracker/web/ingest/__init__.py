"""Positions come in, and bodies of any size.

What they mean is not known here: that is protocols/.
"""
