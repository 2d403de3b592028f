"""What several equal nodes agree on: whose a vehicle is, who answers for it, and who has to hear of it.

Only decided here; who asks the database and speaks on the bus is elsewhere (docs/decisions/leases-and-fencing.md).
"""
