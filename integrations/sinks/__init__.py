"""Systems that are told of incidents, one file each."""
