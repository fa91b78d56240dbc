/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one enum that says what happens next.  Every handler, filter and
 * protocol function answers with it, and HTTP statuses never travel in it.
 */
#pragma once

enum step {
    STEP_NEXT,   /* not mine, or finished with: go on to the next one        */
    STEP_ACCEPT, /* satisfied: skip the rest of this phase                   */
    STEP_WAIT,   /* a wait is registered on the task: call me again          */
    STEP_DONE,   /* the response is on its way                               */
    STEP_FAIL,   /* refused or broken: the status is in the request          */
};
