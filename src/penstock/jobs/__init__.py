"""Makes a flow durable: chunks, retries, resume, cancel, and news of how it goes."""
