"""git in rooms."""
