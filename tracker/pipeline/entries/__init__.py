"""What waits for its turn in the pipeline: an `inbox`, what can happen to a fleet (`journal`), pings (`batch`)."""
