/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files on their way to memory: for filters that read bytes, and wherever
 * sendfile cannot be used (sendfile off, directio, aio).
 */
#pragma once

#include "core/base/chain.h"
#include "core/base/step.h"
#include "http/request.h"

/* Whether pieces of this file have to be read rather than handed to sendfile.
 * Filters that need memory are the caller's to know. */
bool file_reader_wants(const struct http_request *r,
                       struct chain_file *file);

/* Moves what is memory at the front of in to out, and turns at most
 * output_buffers of file behind it into memory.  STEP_NEXT: done so far, in
 * may hold more; STEP_WAIT: a thread reads, the task is woken; STEP_FAIL: the
 * file could not be read or is shorter than it was (logged). */
enum step file_reader_next(struct http_request *r, struct chain *in,
                           struct chain *out);
