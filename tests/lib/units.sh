#!/bin/sh
# Runs unit tests: units.sh PICK PROGRAM...; prints `N passed, N failed` last and how to run a failing
# one alone. Each program is a cmocka group and prints its own cases.
pick=$1
shift
passed=0
failed=0
log=$(mktemp)
for program in "$@"; do
    case $program in *$pick* | *${pick#test_}*) ;; *) [ "$pick" = . ] || continue ;; esac
    if CMOCKA_MESSAGE_OUTPUT=stdout "$program" >"$log" 2>&1; then
        n=$(grep -c '^\[       OK' "$log")
        passed=$((passed + n))
        grep '^corpus ' "$log"
    else
        status=$?
        n=$(grep -c '^\[       OK' "$log")
        bad=$(grep '^\[  FAILED  \] [a-zA-Z_]' "$log" | grep -v 'test(s)' | sort -u | wc -l)
        passed=$((passed + n))
        failed=$((failed + (bad > 0 ? bad : 1)))
        cat "$log"
        echo "FAILED (status $status): $program    debug it: gdb --args $program"
    fi
done
rm -f "$log"
echo "units: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
