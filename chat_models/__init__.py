"""Who answers, and what counts its tokens. Touches no network but that of a named model."""
