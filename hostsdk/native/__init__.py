"""The binding to Qualcomm's libraries. `hostsdk.child` runs each job in a process of its own, forked from the tool."""
