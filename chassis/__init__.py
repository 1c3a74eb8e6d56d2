"""What every service stands on. Knows no noun of the product."""
