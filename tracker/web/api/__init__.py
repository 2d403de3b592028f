"""REST: one file a resource, and what they share.

Reading large bodies is ingest/, the live channel is live/.
"""
