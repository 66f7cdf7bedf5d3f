"""The rules of a session: messages, challenges, receipts. No input or output."""
