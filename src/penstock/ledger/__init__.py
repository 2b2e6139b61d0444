"""Keeps values: jobs, chunks, outcomes and remembered answers, durable before anybody counts on them."""
