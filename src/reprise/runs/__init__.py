"""What a person calls a run, and the record of when, where and how long it trained."""
