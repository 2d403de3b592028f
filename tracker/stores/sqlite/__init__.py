"""The store in one SQLite file: everything that knows SQL or the files of the data folder, and nothing else."""
