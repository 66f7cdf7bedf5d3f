"""What has happened in a market: its logs read once, stored, and projected."""
