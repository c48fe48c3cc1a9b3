"""HTTP servers: dev/ for langgraph.json, http/ for many users, and what the two share."""
