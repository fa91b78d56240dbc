/* SPDX-License-Identifier: BSD-2-Clause */
/* post_action: what runs when a response is finished. */
#pragma once

#include "core/base/step.h"
#include "http/request.h"

/* Whether something is to run before the request is logged. */
bool http_post_action_is_due(const struct http_request *r);
/* Whether a dry run was told of it, in place of running it. */
bool http_post_action_is_told(struct http_request *r);
/* Starts it, as an internal redirect whose response goes nowhere. */
enum step http_post_action(struct http_request *r);
