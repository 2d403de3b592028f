"""For whoever sets up phones and trackers: how a payload would be read, and what came last. Nothing here stores."""
