"""Pure views: values in, lines out. They know widths and roles, and no widget."""
