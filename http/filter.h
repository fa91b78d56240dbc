/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Response filters.  When a head is sent, each filter's head is called in the
 * order of http/filter_order.h and decides whether it joins this response;
 * the bodies of those that joined are called in their order for each piece.
 */
#pragma once

#include "core/base/step.h"
#include "http/request.h"

struct http_filter {
    const char *name;
    size_t      state_size; /* per response, zeroed                          */
    bool        needs_memory; /* body wants bytes, not ranges of files       */
    bool        is_early; /* body sees what the handler gives, before files
                             are read: the first in its order; never waits   */
    /* STEP_NEXT: not for this response (the head may have been changed all
     * the same); STEP_ACCEPT: body is to be called; STEP_FAIL: http_fail was
     * called; another status takes the place of the response. */
    enum step (*head)(struct http_request *r, void *state);
    /* Consumes all of in, appends to out.  STEP_NEXT; STEP_FAIL; or STEP_WAIT:
     * something has to come first, that wakes the task: nothing more is taken
     * from the handler, those behind do not hear of last, and it is called
     * again with nothing in in and the same last, whenever the task runs. */
    enum step (*body)(struct http_request *r, void *state, struct chain *in,
                      struct chain *out, bool last);
};
