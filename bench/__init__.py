"""What a cell costs beyond its tools' own time, compared with a plain script that calls the same tools."""
