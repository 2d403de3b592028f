"""A report: a range of some vehicles in one HTML file that needs no server. Asks nobody what may be told: that is
decided where it is gathered."""
