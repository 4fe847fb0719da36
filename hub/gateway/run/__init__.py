"""Running a plan: fetches over HTTP, one tree of results, the completed answer."""
