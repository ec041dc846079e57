"""Pure part: the schema and the numerics. Opens nothing, asks no clock."""
