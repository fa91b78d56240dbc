/* SPDX-License-Identifier: BSD-2-Clause */
/* post_action: runs when a response is finished. */
#pragma once

#include "core/base/step.h"
#include "http/request.h"

/* Whether a post_action is to run before the request is logged. */
bool http_post_action_is_due(const struct http_request *r);
/* In a dry run, prints it instead of running it, and returns true. */
bool http_post_action_is_told(struct http_request *r);
/* Starts it, as an internal redirect whose response is dropped. */
enum step http_post_action(struct http_request *r);
