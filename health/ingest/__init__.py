"""Taking usage events off the wire: make them durable, answer; health.usage does the rest."""
