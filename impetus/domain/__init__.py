"""What things are: pure values and the ports. What authors of plug-ins import; no I/O, nothing else of ours."""
