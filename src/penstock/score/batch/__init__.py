"""Rows judged through a provider's batch API: half the price, within a day."""
