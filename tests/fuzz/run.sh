#!/bin/sh
# Fuzzes each target for so many seconds, two at a time: run.sh SECONDS PICK. A crash leaves its input in build/fuzz/.
# SEED=N begins with the same inputs each time; without it each run goes its own way.
cd "$(dirname "$0")/../.." || exit 1
seconds=$1
pick=$2
passed=0
failed=0

fuzz_one() {
    name=$1
    mkdir -p "build/fuzz/corpus/$name"
    seeds=tests/fuzz/seeds/$name
    [ -d "$seeds" ] || seeds=
    ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 \
        "build/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=0 -seed="${SEED:-0}" \
        -artifact_prefix="build/fuzz/$name-" "build/fuzz/corpus/$name" $seeds >"build/fuzz/$name.log" 2>&1
    echo $? >"build/fuzz/$name.rc"
}

names=$(ls tests/fuzz/fuzz_*.c 2>/dev/null | sed 's|.*/fuzz_||; s|\.c$||')
[ "$pick" = . ] || names=$pick
set -- $names
while [ $# -gt 0 ]; do
    fuzz_one "$1" &
    [ $# -gt 1 ] && fuzz_one "$2" &
    wait
    shift
    [ $# -gt 0 ] && shift
done
for name in $names; do
    runs=$(grep -oE '^Done [0-9]+' "build/fuzz/$name.log" | grep -oE '[0-9]+')
    if [ "$(cat "build/fuzz/$name.rc")" = 0 ]; then
        passed=$((passed + 1))
        echo "fuzz $name: $runs inputs, no crash"
    else
        failed=$((failed + 1))
        tail -n 30 "build/fuzz/$name.log"
        echo "FAILED: fuzz $name; again: build/fuzz/fuzz_$name build/fuzz/$name-*"
    fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
