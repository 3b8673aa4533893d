"""The laws of a venue, one file a subject. Ids are those of the specification that they quote."""
