"""Day: a day of a whole fleet in one file that any static host serves, and that is read a piece at a time.

docs/fleetday.md says what each byte is. What is in the file comes from a store (`gathering`), is packed (`blocks`) and
written (`writing`) an hour of some vehicles at a time, and read (`reading`) without trusting any of it.
"""
