"""What a model is shown: budgets, coverage, memory blocks, templates, compaction, the ledger."""
