"""What the store sees over HTTP: health, status, metrics."""
