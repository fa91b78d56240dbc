/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two messages of grpc.health.v1, which are a few bytes of protobuf:
 *
 *     message HealthCheckRequest  { string service = 1; }
 *     message HealthCheckResponse { ServingStatus status = 1; }
 */
#pragma once

#include "core/base/arena.h"

enum grpc_serving { GRPC_UNKNOWN, GRPC_SERVING, GRPC_NOT_SERVING };

/* The request, with the five bytes that precede a message. */
str_t grpc_health_question(struct arena *a, str_t service);
/* The status in the body of a response.  False: it is no such message, or not
 * whole. */
bool grpc_health_answer(str_t body, uint64_t *status);
/* "NOT_SERVING" */
const char *grpc_health_name(uint64_t status);
/* "12", "UNIMPLEMENTED": a status other than OK. */
bool grpc_status_parse(str_t text, unsigned *out);
