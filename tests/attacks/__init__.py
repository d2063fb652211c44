"""Credentials and sessions in the wrong hands: what each attack gets, by every broker, and at our own door."""
