"""Whose turn it is: long work in slices, heavy work in a queue, lanes that begin again, jobs now and then.

What the work is does not belong here.
"""
