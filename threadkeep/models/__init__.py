"""Chat models: the choice, calls and faults of any provider, OpenAI's protocol, offline."""
