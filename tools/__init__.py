"""What an agent may ask: arguments to what is wanted, rows to an answer. Holds no connection and no policy."""
