"""What reaches beyond the database: files of rooms, saving to them, watching them, and who follows."""
