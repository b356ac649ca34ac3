"""What every address under /api/v1/ shares: who calls, pages, limits, errors, one answer per key."""
