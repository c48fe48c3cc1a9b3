"""What a model is shown: window, coverage, ledger, validity, memory blocks, summary calls."""
