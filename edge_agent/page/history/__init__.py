"""What has happened, read back from storage: the newest events, told in plain words; slips not understood yet."""
