"""Who answers, and what counts its tokens. Touches the network only when a model server is configured."""
