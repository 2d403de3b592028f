"""The store in a PostgreSQL database. Its log and segments are the embedded store's."""
