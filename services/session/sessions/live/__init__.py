"""What runs in this process for sessions that live: feeds from runners, the copier, attached devices."""
