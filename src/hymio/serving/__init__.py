"""The server side of HTTP: connections and their limits, answers, streams, and what the doors share."""
