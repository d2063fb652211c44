"""The web console: people read what waits for them, and decide, in a browser. It renders; `server.desk` decides."""
