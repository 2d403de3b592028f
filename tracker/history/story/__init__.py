"""What became of a vehicle, in one pass over its fixes: trips, stops, silences; how far, how long, in which regions."""
