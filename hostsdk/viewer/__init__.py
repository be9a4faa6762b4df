"""qnn-profile-viewer: turns a profiling log and its schematic into a chrometrace, a QHAS summary and their companions.

Nothing here needs Qualcomm's libraries, so stored logs can be post-processed anywhere. `log` reads the profiling
log, `timeline` the simulator's events in it, `schematic` the compiled graph they belong to; `analysis` joins them,
`dominant` and `figures` compute; each output file has one module that writes it (`chrometrace`, `qhas`, `page`,
`schema`, `htp_graph`, `runtrace`, `csv_report`); `command` is the command line.
"""
