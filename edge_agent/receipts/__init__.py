"""Text receipts to orders: the template engine and the templates."""
