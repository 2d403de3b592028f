"""Everything HTTP: the API, the ingest routes, the live channel and the page. app.py puts it together."""
