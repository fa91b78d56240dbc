/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Response filters.  When a head is sent, the head function of each filter is
 * called in the order of http/filter_order.h, and decides whether the filter
 * joins this response; the body functions of those that joined are called in
 * their order for each part of the body.
 */
#pragma once

#include "core/base/step.h"
#include "http/request.h"

struct http_filter {
    const char *name;
    size_t      state_size; /* bytes per response, zeroed                    */
    bool        needs_memory; /* body needs bytes, not ranges of files       */
    bool        is_early; /* body gets what the handler sends, before files
                             are read: the first in its order; never waits   */
    /* STEP_NEXT: do not join this response (the head may have been changed all
     * the same); STEP_ACCEPT: call body; STEP_WAIT: the same, and the head is
     * sent when body has called http_release_head; STEP_FAIL: http_fail was
     * called, and the response is replaced by one with that status. */
    enum step (*head)(struct http_request *r, void *state);
    /* Consumes all of in and appends to out.  STEP_NEXT; STEP_FAIL; or
     * STEP_WAIT: it waits for something that will wake the task.  Meanwhile
     * nothing more is taken from the handler, later filters do not get last,
     * and body is called with an empty in and the same last whenever the task
     * runs. */
    enum step (*body)(struct http_request *r, void *state, struct chain *in,
                      struct chain *out, bool last);
};

/* For a body function whose head function returned STEP_WAIT, before it puts
 * anything out: runs the heads of the filters behind it, and sends the head.
 * STEP_NEXT, or STEP_FAIL, to be returned. */
enum step http_release_head(struct http_request *r);
/* Or: replaces the response by one with that status.  STEP_FAIL, to be
 * returned. */
enum step http_refuse_body(struct http_request *r, unsigned status);
