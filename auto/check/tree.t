#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Runs the checks of the tree as a test.

cd "$(dirname "$0")/../.." || exit 1
binary=${TEST_BINARY:-build/weir}
echo 1..5
n=0

# check NAME [ARGUMENT]
check() {
    n=$((n + 1))
    if text=$(sh auto/check/"$@" 2>&1); then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '%s\n' "$text" | sed 's/^/#   /' >&2
    fi
}

check layers
check size
check style
check modules
case $binary in
    */nginx) echo "ok 5 # SKIP nginx cannot list its directives" ;;
    *)       check directives "$binary" ;;
esac
