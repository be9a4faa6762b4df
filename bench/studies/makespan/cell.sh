#!/bin/bash
# cell.sh FOLDER STAGE NETWORK SOC: run the stages of a cell by hand. STAGE is prepare, run, view, or all.
# FOLDER/rack.sh sets SDK, TARGET, DLC[network], INPUTS[network], DEVICES. `all` waits for a free device with flock.
set -euo pipefail
root=$1 stage=$2 network=$3 soc=$4
source "$root/rack.sh"
cell=$root/$network/$soc/default
bin=$SDK/bin/$TARGET
export LD_LIBRARY_PATH=$SDK/lib/$TARGET HOSTSDK_SOC=$soc

prepare() {
    mkdir -p "$cell"
    cd "$cell"
    cp "${INPUTS[$network]}" input_list.txt
    cp "$root/config.json" config.json
    "$bin/snpe-dlc-graph-prepare" "--input_dlc=${DLC[$network]}" "--output_dlc=$cell/prepared.dlc" \
        "--htp_socs=$soc" --profiling_level qhas > prepare.txt 2>&1
}

run() {
    cd "$cell"
    "$bin/snpe-net-run" --container=prepared.dlc --input_list=input_list.txt --output_dir=output \
        --profiling_level qhas --perf_profile=burst --use_dsp --validate_cache \
        --cache_compatibility_mode=strict > run.txt 2>&1
}

view() {
    cd "$cell"
    "$bin/qnn-profile-viewer" "--config=$cell/config.json" \
        "--reader=$SDK/lib/$TARGET/libQnnHtpOptraceProfilingReader.so" \
        "--input_log=$cell/profilelogs/qnn-profiling-data.log" \
        "--schematic=$(echo "$cell"/*_schematic.bin)" "--output=$cell/chrometrace.json" > view.txt 2>&1
}

take_device() {
    while true; do
        for ((device = 0; device < DEVICES; device++)); do
            exec 9> "$root/$soc-$device.lock"
            flock --nonblock 9 && return
        done
        sleep 0.05
    done
}

if [[ $stage == all ]]; then
    prepare
    take_device
    run 9>&-
    exec 9>&-
    view
else
    "$stage"
fi
