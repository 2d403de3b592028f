"""What people draw: shape, rules, schedule and version, and the files they come in.

What a region does to a vehicle is decided in fleet/.
"""
