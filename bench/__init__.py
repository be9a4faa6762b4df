"""What a cell costs above its tools' own time, measured against a plain script that calls the same tools."""
