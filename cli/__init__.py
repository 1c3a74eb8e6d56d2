"""The command line. It talks to the gateway and to nothing else, as any client could."""
