"""The REST API of customers: what is asked, who may, and which service does it."""
