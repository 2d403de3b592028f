"""Reports over HTTP, and those the server makes by itself: gathered here as they may be told, drawn below."""
