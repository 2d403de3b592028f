"""Places, lines and areas on the earth, exactly.

No region, no vehicle and no time is known here.
"""
