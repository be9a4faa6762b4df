# Ends every tool that a job left running on a device, then removes the jobs: reaper.sh DIRECTORY
# Prints the leaders of those that would not die. POSIX, as runner.sh.
ours() { # leaders' numbers may have been given away since; without such a process, or of a zombie, its group may live on
    words=$(tr '\0' ' ' 2> /dev/null < "/proc/$1/cmdline")
    [ -z "$words" ] || echo "$words" | grep -q "$2"
} 2> /dev/null
alive() {
    for stat in /proc/[0-9]*/stat; do
        read -r line 2> /dev/null < "$stat" || continue
        set -- "$1" ${line##*) } # state, parent, group
        [ "$4" = "$1" ] && [ "$2" != Z ] && return 0
    done 2> /dev/null
    return 1
}
end() { # SIGNAL LEADER, then up to a second
    kill -"$1" -"$2" 2> /dev/null
    for try in 1 2 3 4 5 6 7 8 9 10; do
        alive "$2" || return 0
        sleep 0.1
    done
    return 1
}
cd / || exit 1
for job in "$1"/jobs/*/; do
    [ -s "$job.qhas-leader" ] || continue
    leader=$(cat "$job.qhas-leader")
    case $leader in '' | 0* | 1 | *[!0-9]*) continue ;; esac # damaged: 0 would be our own group
    ours "$leader" "${job%/}" || continue
    end TERM "$leader" || end KILL "$leader" || echo "$leader"
done
rm -rf "$1/jobs" "$1/staged"
