"""Chat models: OpenAI-compatible servers, the offline model, and which of them answers."""
