"""What the pages need: the grammar of fences and proven numbers, Markdown extensions, the ledger, the checker."""
