#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The checks of the tree as a test among the others.

cd "$(dirname "$0")/../.." || exit 1
echo 1..4
n=0
for check in layers size style "directives ${TEST_BINARY:-build/weir}"; do
    n=$((n + 1))
    # shellcheck disable=SC2086
    if text=$(sh auto/check/$check 2>&1); then
        echo "ok $n - ${check%% *}"
    else
        echo "not ok $n - ${check%% *}"
    fi
    [ -z "$text" ] || printf '%s\n' "$text" | sed 's/^/# /'
done
