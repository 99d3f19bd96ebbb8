"""What a manager can do from the page, behind the code: one module an action."""
