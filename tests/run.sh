#!/bin/sh
# make check: lint, unit tests plain and sanitized, fuzzers for 20 s each, the whole daemon (sanitized) among real
# neighbours. `run.sh NAME` picks tests by name. The last line is `N passed, N failed`.
cd "$(dirname "$0")/.." || exit 1
pick=${1:-.}
make=${MAKE:-make}
san=address,undefined
dir=build/san-address-undefined
jobs=$(nproc)
passed=0
failed=0
log=build/check.log
mkdir -p build

# Runs one step; adds its `N passed, N failed` to the sum. A step that dies without one counts as one failure.
step() {
    title=$1
    shift
    echo "== $title"
    "$@" 2>&1 | tee "$log"
    line=$(grep -E '[0-9]+ passed|[0-9]+ failed' "$log" | tail -n 1)
    p=$(echo "$line" | grep -oE '[0-9]+ passed' | grep -oE '[0-9]+')
    f=$(echo "$line" | grep -oE '[0-9]+ (failed|error)' | grep -oE '[0-9]+' | awk '{ n += $1 } END { print n + 0 }')
    [ -n "$line" ] || f=1
    passed=$((passed + ${p:-0}))
    failed=$((failed + ${f:-0}))
}

build() {
    if "$make" -s -j"$jobs" "$@" >build/build.log 2>&1; then return 0; fi
    tail -n 40 build/build.log
    echo "build failed: $*"
    failed=$((failed + 1))
    return 1
}

if build all units-built sim-built; then
    [ "$pick" = . ] && step "lint" sh tests/lint/run.sh
    step "unit tests" "$make" -s --no-print-directory unit T="$pick"
    [ "$pick" = . ] && step "simulator" build/sim/router_sim --worlds 10 --events 50000
fi
if build all units-built sim-built SAN=$san; then
    step "unit tests, sanitized" "$make" -s --no-print-directory unit T="$pick" SAN=$san
    [ "$pick" = . ] && step "simulator, sanitized" $dir/sim/router_sim --worlds 2 --events 20000
    if [ "$pick" = . ]; then
        # The faults count time and kills: they run on the plain build.
        export TOUCHLINE_BUILD=$dir
        # They wait more than they work.
        step "integration, sanitized" /usr/bin/python3 -m pytest -q --maxfail=20 -n $((jobs + 1)) --dist loadfile \
            -p no:cacheprovider tests --ignore=tests/faults
        unset TOUCHLINE_BUILD
        step "faults" /usr/bin/python3 -m pytest -q -s -p no:cacheprovider tests/faults
    else
        export TOUCHLINE_BUILD=$dir
        step "integration, sanitized" /usr/bin/python3 -m pytest -q -p no:cacheprovider tests -k "$pick"
    fi
fi
if [ "$pick" = . ] && build fuzz-built; then
    # The same inputs each time: what is new is looked for by `make fuzz`.
    SEED=1
    export SEED
    step "fuzzing" sh tests/fuzz/run.sh 20 .
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
