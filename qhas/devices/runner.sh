# Runs one tool on a device: runner.sh DIRECTORY NAME=VALUE... PROGRAM ARGUMENT...
# Ends it, children and all, as soon as standard input closes: that happens when the host dies, cancels or is cut off.
# POSIX, for mksh with toybox (Android) and ash with busybox (boards). Started as leader of a session of its own.
cd "$1" || exit 125
shift
exec 3<&0 # a background command gets no standard input of its own accord
echo $$ > .qhas-leader || exit 125
env "$@" < /dev/null 2>&1 3<&- &
tool=$!
(
    while read -r _; do :; done
    trap '' TERM
    kill -TERM -$$
    sleep 1
    kill -KILL -$$
) > /dev/null 2>&1 <&3 3<&- &
watch=$!
wait $tool
code=$?
kill -KILL $watch
exit $code
