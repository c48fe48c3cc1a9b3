"""Generated conversations of several kinds, with questions and the messages that answer them."""
