"""The page of a report: its address, its filters, the places around it, and its sections."""
