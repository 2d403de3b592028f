"""Between a database and the file of the embedded store, which is what every backup is: who knows both lies here."""
