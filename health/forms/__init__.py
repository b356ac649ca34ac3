"""Forms about health, one file for each thing."""
