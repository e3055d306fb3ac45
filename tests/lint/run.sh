#!/bin/sh
# make lint: format, headers that compile alone, rooms, tables, words. Prints `N passed, N failed`.
cd "$(dirname "$0")/../.." || exit 1
passed=0
failed=0
check() {
    title=$1
    shift
    if "$@" >build/lint.log 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        head -n 40 build/lint.log
        echo "FAILED: $title"
    fi
}
mkdir -p build
format() { git ls-files '*.c' '*.h' | xargs clang-format-14 --dry-run -Werror; }
headers() {
    bad=0
    flags=$(pkg-config --cflags libevent jansson gmime-3.0)
    for h in $(git ls-files 'include/*.h' 'daemon/*.h' 'channels/*.h'); do
        case $h in
        include/*) inc="<${h#include/}>" dirs="-Iinclude" ;;
        channels/*) inc="\"${h#channels/}\"" dirs="-Iinclude -Ichannels" ;;
        *) inc="\"${h#daemon/}\"" dirs="-Iinclude -Idaemon" ;;
        esac
        echo "#include $inc" | cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror $dirs $flags -x c -fsyntax-only - ||
            { echo "does not compile alone: $h"; bad=1; }
    done
    return $bad
}
check "clang-format" format
check "headers compile alone" headers
check "rooms" /usr/bin/python3 tests/lint/rooms.py
check "tables" /usr/bin/python3 tests/lint/tables.py
check "text" /usr/bin/python3 tests/lint/text.py
echo "lint: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
