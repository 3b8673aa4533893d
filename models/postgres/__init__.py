"""A real PostgreSQL behind the door of the database: where it runs, who owns it, how exact its standbys are."""
