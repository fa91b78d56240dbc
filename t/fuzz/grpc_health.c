/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer of a health service of gRPC: a status, or no such message.
 */
#include "core/base/check.h"
#include "modules/gateway/grpc_health.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t    body = { (const char *) data, size };
    uint64_t status = 0;

    if (grpc_health_answer(body, &status))
        CHECK(size >= 5 && grpc_health_name(status) != NULL);
    return 0;
}
