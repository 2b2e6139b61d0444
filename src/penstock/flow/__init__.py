"""Moves values: stages over bounded queues, the pace at which a server is asked, the decision to try again."""
