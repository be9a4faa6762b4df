"""qnn-profile-viewer: a profiling log and its schematic become a chrometrace, a QHAS summary and their companions.

Nothing here needs Qualcomm's libraries, so stored logs can be post-processed anywhere. `log` reads the profiling
log, `timeline` the simulator's events in it, `schematic` the compiled graph they belong to; `analysis` joins them,
`dominant` and `figures` compute; one module each writes one file (`chrometrace`, `qhas`, `page`, `schema`,
`htp_graph`, `runtrace`, `csv_report`); `command` is the command line.
"""
