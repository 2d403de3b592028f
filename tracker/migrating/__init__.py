"""Migrating: what another program keeps of a fleet, in our words; nothing here changes what is stored."""
