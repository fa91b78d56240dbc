/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The enum that says what happens next.  Every handler, filter and protocol
 * function returns it; HTTP statuses are never part of it.
 */
#pragma once

enum step {
    STEP_NEXT,   /* not mine, or done: go on with the next                   */
    STEP_ACCEPT, /* satisfied: skip the rest of this phase                   */
    STEP_WAIT,   /* a wait is registered on the task: call me again          */
    STEP_DONE,   /* the response is being sent                               */
    STEP_FAIL,   /* refused or failed: the status is in the request          */
};
