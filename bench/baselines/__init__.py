"""What a user would write instead, over the same tables: plainly, and tuned by an expert."""
