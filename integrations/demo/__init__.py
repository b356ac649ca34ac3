"""The demo book of business: about 300 invented customers of an invented logistics software company.

The generator is seeded: apart from today's date the book is always the same. Usage goes through the
public ingest, everything else through services. Names and texts are made up.
"""
